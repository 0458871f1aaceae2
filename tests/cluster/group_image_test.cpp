#include "cluster/group_image.hpp"
#include "cluster/group_records.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

offsets_record offset_record(const std::string& group, int64_t offset) {
  committed_offset value;
  value.offset = offset;
  return encode_offset_record({group, "t", 0}, value);
}

} // namespace

TEST_CASE(
  "the image holds the last record of each key", "[cluster][group_image]") {
  group_image image;
  image.note(offset_record("g", 1), {});
  image.note(offset_record("g", 2), {});
  image.note(offset_record("h", 3), {});
  const auto changes = image.take_changes();
  REQUIRE(changes.size() == 2);
  group_image other;
  const auto read = other.load(changes[0].key, changes[0].value.value());
  REQUIRE(read.ok());
  CHECK(read->record == offset_record("g", 2));
  CHECK(image.take_changes().empty());
}

TEST_CASE("a tombstone erases the entry", "[cluster][group_image]") {
  group_image image;
  image.note(offset_record("g", 1), {});
  const auto put = image.take_changes();
  image.note(encode_offset_record({"g", "t", 0}, {}), {});
  const auto erased = image.take_changes();
  REQUIRE(erased.size() == 1);
  CHECK(erased[0].key == put[0].key);
  CHECK_FALSE(erased[0].value);
}

TEST_CASE("R22: keys of long group names stay short and find their entry again",
  "[cluster][group_image]") {
  const std::string name(20'000, 'g');
  group_image image;
  image.note(offset_record(name, 1), {});
  image.note(offset_record(name + "2", 2), {});
  const auto puts = image.take_changes();
  REQUIRE(puts.size() == 2);
  CHECK(puts[0].key != puts[1].key);
  group_image after_restart;
  for (const auto& put : puts) {
    CHECK(put.key.size() <= 500);
    const auto read = after_restart.load(put.key, put.value.value());
    REQUIRE(read.ok());
  }
  after_restart.note(offset_record(name, 7), {});
  after_restart.note(offset_record(name + "3", 3), {});
  const auto changes = after_restart.take_changes();
  REQUIRE(changes.size() == 2);
  // The old name keeps its key, the new one gets one of its own.
  CHECK(changes[0].key == puts[0].key);
  CHECK(changes[1].key != puts[1].key);
  CHECK(changes[1].key != puts[0].key);
}

TEST_CASE("an entry that cannot be one is corrupt", "[cluster][group_image]") {
  group_image image;
  CHECK_FALSE(image.load("", "").ok());
  CHECK_FALSE(image.load("kabc", "\x01").ok());
  CHECK_FALSE(image.load("kabc", std::string_view("\0\0\0\x09zz", 6)).ok());
  // The key inside is another one.
  CHECK_FALSE(image.load("kabc", std::string_view("\0\0\0\x03zzz", 7)).ok());
}

} // namespace millrace
