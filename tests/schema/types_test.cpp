#include "schema/types.hpp"

#include <catch2/catch.hpp>

#include <unordered_set>

using namespace millrace;

TEST_CASE(
  "an id is written as 22 characters of URL-safe base64", "[schema][types]") {
  CHECK(to_string(uuid{}) == "AAAAAAAAAAAAAAAAAAAAAA");
  // 128 ones: 21 times 111111, then 11 and four zeros, 110000 = 48 = 'w'.
  CHECK(to_string(uuid{~0ull, ~0ull}) == "_____________________w");
  // ...01: the last character carries the two lowest bits first: 010000 = 16.
  CHECK(to_string(uuid{0, 1}) == "AAAAAAAAAAAAAAAAAAAAAQ");
}

TEST_CASE("an id is read back from its text", "[schema][types]") {
  for (int bit = 0; bit < 64; ++bit) {
    const uuid written{uint64_t{1} << bit, ~(uint64_t{1} << (63 - bit))};
    uuid read;
    CHECK(parse_uuid(to_string(written), read));
    CHECK(read == written);
  }
}

TEST_CASE("what is no id is refused and changes nothing", "[schema][types]") {
  const uuid before{1, 2};
  auto id = before;
  CHECK_FALSE(parse_uuid("", id));
  CHECK_FALSE(parse_uuid("AAAAAAAAAAAAAAAAAAAAA", id));
  CHECK_FALSE(parse_uuid("AAAAAAAAAAAAAAAAAAAAAAA", id));
  CHECK_FALSE(parse_uuid("AAAAAAAAAAAAAAAAAAAA+A", id));
  // A bit set below the 128th.
  CHECK_FALSE(parse_uuid("AAAAAAAAAAAAAAAAAAAAAB", id));
  CHECK(id == before);
}

TEST_CASE(
  "integers with a meaning compare and hash by value", "[schema][types]") {
  CHECK(offset{1} < offset{2});
  CHECK(offset{1} + int64_t{2} == offset{3});
  CHECK(no_leader_epoch.value == -1);
  const std::unordered_set<offset> set{{1}, {2}, {1}};
  CHECK(set.size() == 2);
}

TEST_CASE("a partition is named as its directory is", "[schema][types]") {
  CHECK(to_string(topic_partition{"my-topic", 7}) == "my-topic-7");
}
