#include "storage/record_spans.hpp"

#include "storage/record_field.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// Reads a length and as many bytes; a negative one is null. Returns what
/// follows, or nullptr.
const std::byte* take_bytes(const std::byte* at, const std::byte* end,
  std::span<const std::byte>& bytes, bool& there) {
  int32_t size = 0;
  at = load_varint(at, end, size);
  if (at == nullptr)
    return nullptr;
  there = size >= 0;
  if (!there)
    return at;
  if (end - at < size)
    return nullptr;
  bytes = {at, static_cast<size_t>(size)};
  return at + size;
}

/// Returns what follows the record, or nullptr. Headers are passed over.
const std::byte* take_record(
  const std::byte* begin, const std::byte* end, record_span& record) {
  int32_t size = 0;
  const auto* at = load_varint(begin, end, size);
  if (at == nullptr || size < 1 || end - at < size)
    return nullptr;
  const auto* const stop = at + size;
  ++at; // attributes: none are defined
  at = load_varint(at, stop, record.timestamp_delta);
  if (at != nullptr)
    at = load_varint(at, stop, record.offset_delta);
  if (at != nullptr)
    at = take_bytes(at, stop, record.key, record.has_key);
  std::span<const std::byte> value;
  if (at != nullptr)
    at = take_bytes(at, stop, value, record.has_value);
  if (at == nullptr || record.offset_delta < 0)
    return nullptr;
  record.bytes = {begin, stop};
  return stop;
}

} // namespace

result<std::span<const std::byte>> record_spans::unfold(
  const batch_view& batch) {
  const auto packed = batch.records();
  if (batch.codec() == compression_codec::none || batch.record_count() == 0)
    return packed;
  constexpr size_t step = 64u << 10;
  auto reader = make_decompressor(batch.codec(), packed, unfolded_bytes_max_);
  size_t size = 0;
  while (true) {
    if (plain_.size() - size < step)
      plain_.resize(std::max(plain_.size() * 2, size + step));
    auto got = reader->read(std::span{plain_}.subspan(size));
    if (!got)
      return got.error();
    if (*got == 0)
      return std::span<const std::byte>{plain_}.first(size);
    size += *got;
    if (size > unfolded_bytes_max_)
      return error{errc::too_large, "the records unfold too far"};
  }
}

result<void> record_spans::read(const batch_view& batch) {
  records_.clear();
  if (batch.codec_number() > static_cast<int>(compression_codec::zstd))
    return error{errc::corrupt,
      "there is no codec " + std::to_string(batch.codec_number())};
  auto plain = unfold(batch);
  if (!plain)
    return plain.error();
  const auto* at = plain->data();
  const auto* const end = at + plain->size();
  for (int32_t i = 0; i < batch.record_count(); ++i) {
    record_span record;
    at = take_record(at, end, record);
    if (at == nullptr || record.offset_delta > batch.last_offset_delta())
      return error{errc::corrupt,
        "record " + std::to_string(i) + " is not what the header says"};
    records_.push_back(record);
  }
  if (at != end)
    return error{errc::corrupt, "more than the records of the header"};
  return {};
}

} // namespace millrace
