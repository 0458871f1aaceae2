// Bytes that a client calls a record batch. They are judged as for an append,
// and what is accepted can be read record by record and be judged again. Then
// each codec gets the same bytes.
#include "schema/assert.hpp"
#include "storage/batch_check.hpp"
#include "storage/compression.hpp"
#include "storage/record_batch.hpp"
#include "storage/record_reader.hpp"

#include <cstring>

namespace {

using namespace millrace;

constexpr size_t unfolded_bytes_max = 1 << 20;
constexpr int64_t now_ms = 1'700'000'000'000;

/// What an input may choose: the first byte.
enum : unsigned {
  mend_header = 1, ///< size and checksum are put right
  mend_counts = 2, ///< so are magic and the fields that are often wrong
  stamped = 4,     ///< the topic stamps its records
  keyed = 8,       ///< the topic is compacted
  recoded = 16,    ///< the topic has a codec of its own, by the top bits
};

log_config config_for(unsigned choice) {
  log_config config;
  config.decompressed_bytes_max = unfolded_bytes_max;
  config.timestamp_after_max_ms = INT64_MAX;
  config.compacted = (choice & keyed) != 0;
  if ((choice & stamped) != 0)
    config.timestamps = timestamp_type::log_append_time;
  if ((choice & recoded) != 0)
    config.compression = static_cast<compression_codec>((choice >> 5) % 5);
  return config;
}

/// Gets an input past the checks that almost no random bytes would pass.
void mend(std::span<std::byte> batch, unsigned choice) {
  if (batch.size() < batch_view::header_size)
    return;
  if ((choice & mend_counts) != 0) {
    batch[16] = std::byte{2};
    // Bits that a client may not set: LogAppendTime and above.
    batch[21] = std::byte{0};
    batch[22] &= std::byte{7};
    std::memset(batch.data() + 43, 0xff, 14); // no producer
  }
  if ((choice & mend_header) != 0) {
    patch_size(batch);
    patch_crc(batch);
  }
}

void judge(shared_bytes batch, const log_config& config) {
  append_item item;
  item.batch = std::move(batch);
  check_batch(item, config, now_ms);
  if (item.error != kafka_error::none) {
    MILLRACE_ASSERT(!item.message.empty(), "a refusal has a sentence");
    return;
  }
  const batch_view view{item.batch.span()};
  MILLRACE_ASSERT(view.crc() == view.computed_crc(), "the checksum is right");
  int64_t count = 0;
  // The log gives every batch its offset, whatever the client wrote there.
  patch_base_offset(item.batch.writable(), offset{7});
  const auto end = for_each_record(
    item.batch.span(), offset{0},
    [&](const record_view& record) {
      MILLRACE_ASSERT(record.at.value == 7 + count, "offsets follow");
      ++count;
    },
    unfolded_bytes_max);
  MILLRACE_ASSERT(end.ok(), "what was accepted can be read");
  MILLRACE_ASSERT(count == view.record_count(), "all records are there");
  append_item again;
  again.batch = shared_bytes::copy_of(item.batch.span());
  again.origin = append_origin::coordinator;
  check_batch(again, config, now_ms);
  MILLRACE_ASSERT(
    again.error == kafka_error::none, "what was accepted is accepted again");
}

void unfold(std::span<const std::byte> bytes) {
  for (const auto codec : {compression_codec::gzip, compression_codec::snappy,
         compression_codec::lz4, compression_codec::zstd}) {
    auto plain = decompress(codec, bytes, unfolded_bytes_max);
    MILLRACE_ASSERT(!plain || plain->size() <= unfolded_bytes_max,
      "the bound for what unfolds holds");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1)
    return 0;
  const unsigned choice = data[0];
  const std::span input{reinterpret_cast<const std::byte*>(data + 1), size - 1};
  auto batch = shared_bytes::copy_of(input);
  mend(batch.writable(), choice);
  // Its outcome is free; that nothing is read beyond the bytes is not.
  static_cast<void>(for_each_record(
    batch.span(), offset{0}, [](const record_view&) {}, unfolded_bytes_max));
  judge(std::move(batch), config_for(choice));
  if (input.size() > batch_view::header_size)
    unfold(input.subspan(batch_view::header_size));
  return 0;
}
