#include "cluster/group_partition.hpp"
#include "cluster/share_state_records.hpp"
#include "tests/cluster/hex.hpp"

#include <catch2/catch.hpp>

namespace millrace {

using test::hex;

namespace {

using kind = share_state_record::kind;

share_state_record snapshot() {
  return {.what = kind::snapshot,
    .key = {"g", {1, 2}, 3},
    .snapshot_epoch = 1,
    .state = {2, 3, offset{4}, 5, {{offset{4}, offset{9}, 2, 1}}},
    .created_ms = 1'700'000'000'000,
    .written_ms = 1'700'000'001'000};
}

share_state_record update() {
  return {.what = kind::update,
    .key = {"g", {1, 2}, 3},
    .snapshot_epoch = 1,
    .state = {0, 3, offset{4}, -1, {{offset{4}, offset{9}, 0, 2}}}};
}

result<std::optional<share_state_record>> decoded(
  const share_state_entry& entry) {
  return decode_share_state_record(entry.key,
    entry.value ? std::optional<std::string_view>{*entry.value} : std::nullopt);
}

} // namespace

// The expected bytes are those of Kafka 4.3.1's own serializer.

TEST_CASE("a snapshot of a share partition is written as Kafka writes it",
  "[cluster][share_state_records]") {
  const auto entry = encode_share_state_record(snapshot());
  CHECK(hex(entry.key) == "00000001670000000000000001000000000000000200000003");
  CHECK(hex(entry.value.value())
        == "000000000001000000020000000300000000000000040000018bcfe568000000018"
           "bcfe56be802000000000000000400000000000000090200010001000400000005");
  CHECK(decoded(entry).value() == snapshot());
}

TEST_CASE("an update of a share partition is written as Kafka writes it",
  "[cluster][share_state_records]") {
  const auto entry = encode_share_state_record(update());
  CHECK(hex(entry.key) == "00010001670000000000000001000000000000000200000003");
  CHECK(hex(entry.value.value())
        == "0000000000010000000300000000000000040200000000000000040000000000000"
           "0090000020000");
  CHECK(decoded(entry).value() == update());
}

TEST_CASE("a share partition is forgotten by a snapshot without a value",
  "[cluster][share_state_records]") {
  const share_state_record gone{
    .what = kind::tombstone, .key = {"g", {1, 2}, 3}};
  const auto entry = encode_share_state_record(gone);
  CHECK(entry.key == encode_share_state_record(snapshot()).key);
  CHECK_FALSE(entry.value);
  CHECK(decoded(entry).value() == gone);
}

TEST_CASE("a share partition is placed by group, topic id and partition",
  "[cluster][share_state_records]") {
  const share_partition_key key{"g", {1, 2}, 3};
  CHECK(to_string(key) == "g:AAAAAAAAAAEAAAAAAAAAAg:3");
  // -2115180178 by Java; its amount modulo 50.
  CHECK(java_hash_code(to_string(key)) == -2115180178);
  CHECK(group_partition(to_string(key), 50) == 28);
}

TEST_CASE("a key of a share state of another kind is passed over",
  "[cluster][share_state_records]") {
  const auto read = decode_share_state_record(
    std::string_view{"\0\7whatever", 10}, std::string_view{});
  REQUIRE(read.ok());
  CHECK_FALSE(*read);
}

TEST_CASE("a batch that ends before it begins is corrupt",
  "[cluster][share_state_records]") {
  auto record = snapshot();
  record.state.batches[0].last = offset{3};
  const auto read = decoded(encode_share_state_record(record));
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == errc::corrupt);
}

TEST_CASE("a record of a share state that is cut short is an error and no "
          "crash",
  "[cluster][share_state_records]") {
  for (const auto& record : {snapshot(), update()}) {
    const auto entry = encode_share_state_record(record);
    const std::string_view key = entry.key;
    const std::string_view value = *entry.value;
    for (size_t size = 0; size < key.size(); ++size)
      CHECK_FALSE(decode_share_state_record(key.substr(0, size), value).ok());
    for (size_t size = 0; size < value.size(); ++size)
      CHECK_FALSE(decode_share_state_record(key, value.substr(0, size)).ok());
  }
}

} // namespace millrace
