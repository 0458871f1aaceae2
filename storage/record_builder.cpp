#include "storage/record_builder.hpp"

#include "storage/compression.hpp"
#include "storage/record_batch.hpp"
#include "storage/record_field.hpp"

namespace millrace {

void record_builder::set_producer(
  producer_id id, int16_t epoch, int32_t base_sequence) {
  producer_ = id;
  producer_epoch_ = epoch;
  base_sequence_ = base_sequence;
}

void record_builder::set_transaction(producer_id id, int16_t epoch) {
  set_producer(id, epoch, -1);
  transactional_ = true;
}

void record_builder::put_varint(int64_t value) {
  std::byte buffer[varint_bytes_max];
  auto* const end = store_varint(buffer, value);
  one_.insert(one_.end(), &buffer[0], end);
}

void record_builder::put_bytes(const std::optional<std::string_view>& bytes) {
  if (!bytes) {
    put_varint(-1);
    return;
  }
  put_varint(static_cast<int64_t>(bytes->size()));
  const auto* from = reinterpret_cast<const std::byte*>(bytes->data());
  one_.insert(one_.end(), from, from + bytes->size());
}

void record_builder::add(const record_view& record) {
  if (count_ == 0)
    base_timestamp_ = max_timestamp_ = record.timestamp_ms;
  max_timestamp_ = std::max(max_timestamp_, record.timestamp_ms);
  one_.clear();
  one_.push_back(std::byte{0});
  put_varint(record.timestamp_ms - base_timestamp_);
  put_varint(count_);
  put_bytes(record.key);
  put_bytes(record.value);
  put_varint(static_cast<int64_t>(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    put_bytes(name);
    put_bytes(value);
  }
  std::byte length[varint_bytes_max];
  auto* const end = store_varint(length, static_cast<int64_t>(one_.size()));
  records_.insert(records_.end(), &length[0], end);
  records_.insert(records_.end(), one_.begin(), one_.end());
  ++count_;
}

result<shared_bytes> record_builder::finish() {
  MILLRACE_ASSERT(count_ > 0, "a batch holds at least one record");
  auto body = std::exchange(records_, {});
  if (codec_ != compression_codec::none) {
    auto packed = compress(codec_, body);
    if (!packed)
      return packed.error();
    body = std::move(*packed);
  }
  auto batch = shared_bytes::allocate(batch_view::header_size + body.size());
  auto* p = batch.data();
  store_field<int64_t>(p, 0);
  store_field<int32_t>(
    p + 8, static_cast<int32_t>(batch.size() - batch_view::prefix_size));
  store_field<int32_t>(p + 12, no_leader_epoch.value);
  p[16] = std::byte{2};
  store_field<uint32_t>(p + 17, 0);
  const auto codec = static_cast<int16_t>(codec_);
  store_field<int16_t>(
    p + 21, transactional_
              ? static_cast<int16_t>(codec | batch_attributes::transactional)
              : codec);
  store_field<int32_t>(p + 23, count_ - 1);
  store_field<int64_t>(p + 27, base_timestamp_);
  store_field<int64_t>(p + 35, max_timestamp_);
  store_field<int64_t>(p + 43, producer_.value);
  store_field<int16_t>(p + 51, producer_epoch_);
  store_field<int32_t>(p + 53, base_sequence_);
  store_field<int32_t>(p + 57, count_);
  std::memcpy(p + batch_view::header_size, body.data(), body.size());
  patch_crc(batch.writable());
  count_ = 0;
  return batch;
}

} // namespace millrace
