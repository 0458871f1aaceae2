#include "storage/control_batch.hpp"
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

TEST_CASE("batches are read with their producers, and markers too",
  "[storage][record_reader]") {
  record_builder builder;
  builder.set_transaction({7}, 2);
  builder.add({.timestamp_ms = 1, .key = "k", .value = "v"});
  builder.add({.timestamp_ms = 2, .key = "k", .value = "w"});
  auto records = builder.finish();
  REQUIRE(records.ok());
  auto marker = make_control_batch({{7}, 2, true, 5}, 3);
  patch_base_offset(marker.writable(), offset{2});
  std::vector<std::byte> bytes(records->span().begin(), records->span().end());
  bytes.insert(bytes.end(), marker.span().begin(), marker.span().end());
  bytes.resize(bytes.size() + batch_view::header_size / 2); // a part of one
  std::vector<std::string> seen;
  const auto end
    = for_each_batch(bytes, offset{0}, [&](const batch_view& batch) {
        CHECK(batch.producer() == producer_id{7});
        CHECK(batch.producer_epoch() == 2);
        CHECK(batch.is_transactional());
        if (const auto found = marker_in(batch)) {
          seen.emplace_back(found->commit ? "commit" : "abort");
          return result<void>{};
        }
        CHECK(batch.base_sequence() == -1);
        return read_records(batch, [&](const record_view& record) {
          seen.emplace_back(*record.value);
        });
      });
  REQUIRE(end.ok());
  CHECK(*end == offset{3});
  CHECK(seen == std::vector<std::string>{"v", "w", "commit"});
}

TEST_CASE("what goes wrong at a batch ends the reading and names it",
  "[storage][record_reader]") {
  const auto batch = make_batch({.count = 2});
  const auto end
    = for_each_batch(batch.span(), offset{0}, [&](const batch_view&) {
        return result<void>{error{errc::unsupported, "no"}};
      });
  REQUIRE_FALSE(end.ok());
  CHECK(end.error().code == errc::unsupported);
  CHECK(end.error().context == "the batch at offset 0: no");
}
