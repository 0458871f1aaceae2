#include "cluster/group_records.hpp"
#include "tests/cluster/hex.hpp"

#include <catch2/catch.hpp>

namespace millrace {

using test::hex;

namespace {

const uuid topic{1, 2};

offsets_record encoded(decltype(share_group_record::change) change) {
  return encode_share_group_record({"g", std::move(change)});
}

template <class Change>
Change read_back(const offsets_record& record) {
  const auto decoded = decode_offsets_record(
    record.key, record.value ? std::optional<std::string_view>{*record.value}
                             : std::nullopt);
  REQUIRE(decoded.ok());
  const auto& read = std::get<share_group_record>(*decoded);
  CHECK(read.group_id == "g");
  return std::get<Change>(read.change);
}

using record_of = share_group_record;

} // namespace

// The expected bytes are those of Kafka 4.3.1's own serializer.

TEST_CASE("the epoch of a share group is written as Kafka writes it",
  "[cluster][share_group_records]") {
  const auto record
    = encoded(record_of::of_group{kafka::share_group_metadata_value{7, 9}});
  CHECK(hex(record.key) == "000b000167");
  CHECK(hex(record.value.value()) == "000000000007000000000000000900");
  CHECK(read_back<record_of::of_group>(record).value->epoch == 7);
}

TEST_CASE("a member of a share group is written as Kafka writes it",
  "[cluster][share_group_records]") {
  const kafka::share_group_member_metadata_value value{
    std::nullopt, "c", "/h", {"a", "b"}};
  const auto record = encoded(record_of::of_member{"m", value});
  CHECK(hex(record.key) == "000a00016700016d");
  CHECK(hex(record.value.value()) == "0000000263032f68030261026200");
  const auto read = read_back<record_of::of_member>(record);
  CHECK(read.member_id == "m");
  CHECK(read.value == value);
}

TEST_CASE("the targets of a share group are written as Kafka writes them",
  "[cluster][share_group_records]") {
  const auto targets = encoded(record_of::of_targets{
    kafka::share_group_target_assignment_metadata_value{7, 1'700'000'000'000}});
  CHECK(hex(targets.key) == "000c000167");
  CHECK(hex(targets.value.value()) == "0000000000070100080000018bcfe56800");
  CHECK(read_back<record_of::of_targets>(targets).value->assignment_epoch == 7);

  kafka::share_group_target_assignment_member_value value;
  value.topic_partitions.push_back({topic, {0, 3}});
  const auto target = encoded(record_of::of_target{"m", value});
  CHECK(hex(target.key) == "000d00016700016d");
  CHECK(hex(target.value.value())
        == "000002000000000000000100000000000000020300000000000000030000");
  CHECK(read_back<record_of::of_target>(target).value == value);
}

TEST_CASE("what a member of a share group has is written as Kafka writes it",
  "[cluster][share_group_records]") {
  kafka::share_group_current_member_assignment_value value{7, 6, 0, {}};
  value.assigned_partitions.push_back({topic, {0, 3}});
  const auto record = encoded(record_of::of_current{"m", value});
  CHECK(hex(record.key) == "000e00016700016d");
  CHECK(hex(record.value.value())
        == "0000000000070000000600020000000000000001000000000000000203000000000"
           "00000030000");
  CHECK(read_back<record_of::of_current>(record).value == value);
}

TEST_CASE("the share partitions of a group are written as Kafka writes them",
  "[cluster][share_group_records]") {
  kafka::share_group_state_partition_metadata_value value;
  value.initializing_topics.push_back({topic, "a", {1}});
  value.initialized_topics.push_back({topic, "a", {0}});
  value.deleting_topics.push_back({topic, "b"});
  const auto record = encoded(record_of::of_states{value});
  CHECK(hex(record.key) == "000f000167");
  CHECK(
    hex(record.value.value())
    == "000002000000000000000100000000000000020261020000000100020000000000"
       "00000100000000000000020261020000000000020000000000000001000000000000"
       "000202620000");
  CHECK(read_back<record_of::of_states>(record).value == value);
}

TEST_CASE("a tombstone of a share group has a key and no value",
  "[cluster][share_group_records]") {
  CHECK_FALSE(encoded(record_of::of_states{}).value);
  CHECK_FALSE(
    read_back<record_of::of_states>(encoded(record_of::of_states{})).value);
  const auto member
    = read_back<record_of::of_member>(encoded(record_of::of_member{"m", {}}));
  CHECK(member.member_id == "m");
  CHECK_FALSE(member.value);
}

TEST_CASE("a record of a share group that is cut short is an error and no "
          "crash",
  "[cluster][share_group_records]") {
  kafka::share_group_state_partition_metadata_value value;
  value.initialized_topics.push_back({topic, "a", {0}});
  const auto record = encoded(record_of::of_states{value});
  const std::string_view key = record.key;
  const std::string_view bytes = *record.value;
  for (size_t size = 0; size < key.size(); ++size)
    CHECK_FALSE(decode_offsets_record(key.substr(0, size), bytes).ok());
  for (size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(decode_offsets_record(key, bytes.substr(0, size)).ok());
}

} // namespace millrace
