#include "storage/control_batch.hpp"
#include "storage/record_builder.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr end_transaction_marker marker{
  .producer = {9}, .epoch = 3, .commit = true, .coordinator_epoch = 7};

/// A control batch with a record of any key and value.
shared_bytes control(std::optional<std::string_view> key,
  std::optional<std::string_view> value, int count = 1,
  compression_codec codec = compression_codec::none) {
  record_builder builder{codec};
  builder.set_producer(marker.producer, marker.epoch, -1);
  for (int i = 0; i < count; ++i) {
    record_view record;
    record.timestamp_ms = 5;
    record.key = key;
    record.value = value;
    builder.add(record);
  }
  auto batch = builder.finish();
  REQUIRE(batch.ok());
  patch_attributes(batch->writable(),
    static_cast<int16_t>(
      batch_attributes::control | static_cast<int16_t>(codec)));
  patch_crc(batch->writable());
  return *batch;
}

result<std::optional<end_transaction_marker>> read(const shared_bytes& bytes) {
  return read_control_batch(batch_view{bytes.span()});
}

constexpr std::string_view commit_key{"\0\0\0\1", 4};
constexpr std::string_view epoch_seven{"\0\0\0\0\0\7", 6};

} // namespace

TEST_CASE("a marker comes back from its batch", "[storage][control_batch]") {
  for (const bool commit : {true, false}) {
    auto one = marker;
    one.commit = commit;
    const auto bytes = make_control_batch(one, 1234);
    const auto found = read(bytes);
    REQUIRE(found.ok());
    CHECK(*found == one);
  }
}

TEST_CASE("a marker's batch is transactional, a control batch and whole",
  "[storage][control_batch]") {
  const auto bytes = make_control_batch(marker, 1234);
  const batch_view batch{bytes.span()};
  CHECK(batch.plausible());
  CHECK(batch.crc() == batch.computed_crc());
  CHECK(batch.size() == static_cast<int64_t>(bytes.size()));
  CHECK(batch.attributes() == 0x30);
  CHECK(batch.producer() == producer_id{9});
  CHECK(batch.producer_epoch() == 3);
  CHECK(batch.base_sequence() == -1);
  CHECK(batch.record_count() == 1);
  CHECK(batch.max_timestamp() == 1234);
}

TEST_CASE("the marker in docs/formats/record-batch.md is what its page says",
  "[storage][control_batch]") {
  const auto bytes = make_control_batch(marker, 1000);
  const auto records = batch_view{bytes.span()}.records();
  // Length 16: attributes, two deltas, key of 4, value of 6, no headers.
  const std::string_view page{"\x20\0\0\0\x08\0\0\0\1\x0c\0\0\0\0\0\7\0", 17};
  REQUIRE(records.size() == page.size());
  CHECK(std::equal(
    records.begin(), records.end(), page.begin(), [](std::byte a, char b) {
      return a == static_cast<std::byte>(b);
    }));
}

TEST_CASE("a control record of another type is none of ours",
  "[storage][control_batch]") {
  // Type 2 is a leader's change in Kafka's own quorum.
  const auto found = read(control(std::string_view{"\0\0\0\2", 4}, "anything"));
  REQUIRE(found.ok());
  CHECK_FALSE(found->has_value());
}

TEST_CASE("a later version is read as the one that is known",
  "[storage][control_batch]") {
  const auto found = read(control(std::string_view{"\0\1\0\1zz", 6},
    std::string_view{"\0\2\0\0\0\7more", 10}));
  REQUIRE(found.ok());
  CHECK(*found == marker);
}

TEST_CASE("a control batch that is not one marker is corrupt",
  "[storage][control_batch]") {
  CHECK(read(control(commit_key, epoch_seven)).ok());
  const shared_bytes bad[] = {
    control({}, epoch_seven),
    control(commit_key, {}),
    control(std::string_view{"\0\0\0", 3}, epoch_seven),
    control(std::string_view{"\xff\xff\0\1", 4}, epoch_seven),
    control(commit_key, std::string_view{"\0\0\0\0\0", 5}),
    control(commit_key, std::string_view{"\x80\0\0\0\0\7", 6}),
    control(commit_key, epoch_seven, 2),
    control(commit_key, epoch_seven, 1, compression_codec::lz4),
  };
  for (const auto& bytes : bad)
    CHECK_FALSE(read(bytes).ok());
}

TEST_CASE("a marker cut or changed at any byte of its record is no crash",
  "[storage][control_batch]") {
  const auto good = make_control_batch(marker, 1000);
  size_t refused = 0;
  for (size_t at = batch_view::header_size; at < good.size(); ++at) {
    for (const int other : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      auto bytes = shared_bytes::copy_of(good.span());
      bytes.writable()[at] = static_cast<std::byte>(other);
      refused += read(bytes).ok() ? 0u : 1u;
    }
  }
  CHECK(refused > 20);
}
