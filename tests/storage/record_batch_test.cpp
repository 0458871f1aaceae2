#include "storage/crc32c.hpp"
#include "storage/record_batch.hpp"
#include "storage/record_field.hpp"
#include "storage/record_reader.hpp"
#include "tests/storage/log_fixture.hpp"

using namespace millrace;

TEST_CASE("base offset and leader epoch are patched without touching the "
          "checksum (R15)",
  "[storage][record_batch]") {
  auto batch = make_batch({.count = 3});
  patch_base_offset(batch.writable(), offset{77});
  patch_leader_epoch(batch.writable(), leader_epoch{5});
  const batch_view view{batch.span()};
  CHECK(view.base_offset() == offset{77});
  CHECK(view.last_offset() == offset{79});
  CHECK(view.epoch() == leader_epoch{5});
  CHECK(view.crc() == view.computed_crc());
  patch_max_timestamp(batch.writable(), 1);
  CHECK(view.crc() != view.computed_crc());
  patch_crc(batch.writable());
  CHECK(view.crc() == view.computed_crc());
}

TEST_CASE(
  "the last sequence wraps from 2^31-1 to 0 (R13)", "[storage][record_batch]") {
  const auto batch = make_batch({.count = 3,
    .producer = producer_id{1},
    .producer_epoch = 0,
    .sequence = INT32_MAX - 1});
  CHECK(batch_view{batch.span()}.last_sequence() == 0);
}

TEST_CASE(
  "a header that no writer makes is not plausible", "[storage][record_batch]") {
  const auto spoiled = [](size_t at, uint8_t value) {
    auto batch = make_batch();
    batch.writable()[at] = std::byte{value};
    return batch_view{batch.span()}.plausible();
  };
  CHECK(batch_view{make_batch().span()}.plausible());
  CHECK_FALSE(spoiled(16, 1));    // magic
  CHECK_FALSE(spoiled(0, 0x80));  // base offset
  CHECK_FALSE(spoiled(8, 0x80));  // length
  CHECK_FALSE(spoiled(23, 0x80)); // last offset delta
  CHECK_FALSE(spoiled(57, 0x80)); // count
  const std::vector<std::byte> zeros(batch_view::header_size);
  CHECK_FALSE(batch_view{zeros}.plausible());
}

TEST_CASE("offsets and timestamps whose sums overflow are read, not computed",
  "[storage][record_reader]") {
  auto batch = make_batch({.count = 2, .timestamp_ms = 5});
  // Both records' deltas stay; what they are counted from goes to the edge.
  patch_base_offset(batch.writable(), offset{INT64_MAX - 2});
  store_field(batch.data() + 27, INT64_MAX);
  patch_crc(batch.writable());
  int seen = 0;
  const auto end
    = for_each_record(batch.span(), offset{0}, [&](const record_view&) {
        ++seen;
      });
  CHECK(end.ok());
  CHECK(seen == 2);
}
