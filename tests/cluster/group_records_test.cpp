#include "cluster/group_records.hpp"
#include "tests/cluster/hex.hpp"

#include <catch2/catch.hpp>

namespace millrace {

using test::hex;

namespace {

const offset_key orders_7{"g", "orders", 7};

decoded_record decoded(const offsets_record& record) {
  auto read = decode_offsets_record(
    record.key, record.value ? std::optional<std::string_view>{*record.value}
                             : std::nullopt);
  REQUIRE(read.ok());
  return *read;
}

} // namespace

// The expected bytes are those of Kafka 4.3.1's own serializer.

TEST_CASE(
  "an offset is written as Kafka writes it", "[cluster][group_records]") {
  const auto record = encode_offset_record(
    orders_7, committed_offset{42, 3, "m", 1'700'000'000'000, -1, {}});
  CHECK(hex(record.key) == "000100016700066f726465727300000007");
  CHECK(hex(record.value.value())
        == "0004000000000000002a00000003026d0000018bcfe5680000");
}

TEST_CASE("an offset committed by topic id carries the id in a tagged field",
  "[cluster][group_records]") {
  const auto record = encode_offset_record(
    orders_7, committed_offset{42, -1, "", 1'700'000'000'000, -1, {1, 2}});
  CHECK(
    hex(record.value.value())
    == "0004000000000000002affffffff010000018bcfe568000100100000000000000001"
       "0000000000000002");
}

TEST_CASE("an offset with an expiry time of its own is written in version 1",
  "[cluster][group_records]") {
  const auto record = encode_offset_record(orders_7,
    committed_offset{42, 3, "m", 1'700'000'000'000, 1'700'000'001'000, {}});
  CHECK(hex(record.value.value())
        == "0001000000000000002a00016d0000018bcfe568000000018bcfe56be8");
}

TEST_CASE("a group is written as Kafka writes it", "[cluster][group_records]") {
  kafka::group_metadata_value value;
  value.protocol_type = "consumer";
  value.generation = 5;
  value.protocol = "range";
  value.leader = "c-1";
  value.current_state_timestamp = 1'700'000'000'000;
  value.members.push_back({"c-1", "i", "c", "/127.0.0.1", 60'000, 10'000,
    std::string("\x01\x02", 2), std::string("\x03", 1)});
  const auto record = encode_group_record("g", value);
  CHECK(hex(record.key) == "0002000167");
  CHECK(
    hex(record.value.value())
    == "00030008636f6e73756d657200000005000572616e67650003632d310000018bcfe5"
       "6800000000010003632d31000169000163000a2f3132372e302e302e310000ea6000"
       "0027100000000201020000000103");
  CHECK(std::get<decoded_group>(decoded(record)).value == value);
}

TEST_CASE("an empty group has neither protocol nor leader",
  "[cluster][group_records]") {
  kafka::group_metadata_value value;
  value.protocol_type = "consumer";
  value.generation = 6;
  value.protocol.reset();
  value.leader.reset();
  value.current_state_timestamp = 1'700'000'000'000;
  CHECK(hex(encode_group_record("g", value).value.value())
        == "00030008636f6e73756d657200000006ffffffff0000018bcfe5680000000000");
}

TEST_CASE("a tombstone has a key and no value", "[cluster][group_records]") {
  const auto offset = encode_offset_record(orders_7, {});
  CHECK_FALSE(offset.value);
  CHECK(std::get<decoded_offset>(decoded(offset)).key == orders_7);
  const auto group = encode_group_record("g", {});
  CHECK_FALSE(group.value);
  CHECK(std::get<decoded_group>(decoded(group)).group_id == "g");
}

TEST_CASE("what is written is read back", "[cluster][group_records]") {
  const committed_offset by_id{7, 1, "note", 5, -1, {3, 4}};
  const committed_offset expiring{7, -1, "note", 5, 900, {}};
  for (const auto& value : {by_id, expiring}) {
    const auto read = std::get<decoded_offset>(
      decoded(encode_offset_record(orders_7, value)));
    CHECK(read.key == orders_7);
    CHECK(read.value == value);
  }
}

TEST_CASE("a record of another kind is recognized and ignored",
  "[cluster][group_records]") {
  // 9 is ShareGroupPartitionMetadataKey (KIP-932).
  const auto read = decode_offsets_record(
    std::string_view("\x00\x09\x00\x01g", 5), std::string_view("\x00\x00", 2));
  REQUIRE(read.ok());
  CHECK(std::get<decoded_other>(*read).kind == 9);
}

TEST_CASE("a record cut short at any byte is an error and no crash",
  "[cluster][group_records]") {
  const auto record = encode_offset_record(
    orders_7, committed_offset{42, 3, "m", 1'700'000'000'000, -1, {1, 2}});
  const std::string_view key = record.key;
  const std::string_view value = *record.value;
  for (size_t size = 0; size < key.size(); ++size)
    CHECK_FALSE(decode_offsets_record(key.substr(0, size), value).ok());
  for (size_t size = 0; size < value.size(); ++size)
    CHECK_FALSE(decode_offsets_record(key, value.substr(0, size)).ok());
}

TEST_CASE(
  "a value of a version to come is refused", "[cluster][group_records]") {
  const auto record = encode_offset_record(orders_7, {});
  CHECK_FALSE(
    decode_offsets_record(record.key, std::string_view("\x00\x63\x00", 3))
      .ok());
}

} // namespace millrace
