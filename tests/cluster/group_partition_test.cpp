#include "cluster/group_partition.hpp"

#include <catch2/catch.hpp>

namespace millrace {

TEST_CASE(
  "a group's hash is that of Java's String", "[cluster][group_partition]") {
  // Values of String.hashCode, from a Java shell.
  CHECK(java_hash_code("") == 0);
  CHECK(java_hash_code("hello") == 99162322);
  CHECK(java_hash_code("polygenelubricants") == INT32_MIN);
  // U+00E9 is one unit: 0xe9.
  CHECK(java_hash_code("\xc3\xa9") == 0xe9);
  // U+1F600 is the pair d83d de00: 55357 * 31 + 56832.
  CHECK(java_hash_code("\xf0\x9f\x98\x80") == 1772899);
}

TEST_CASE("bytes that are no UTF-8 count as what Java decodes them to",
  "[cluster][group_partition]") {
  CHECK(java_hash_code("\xff") == 0xfffd);
  CHECK(java_length("\xff\xfe") == 2);
  // Overlong, surrogate, cut short.
  CHECK(java_length("\xc0\x80") == 2);
  CHECK(java_length("\xed\xa0\x80") == 1);
  CHECK(java_length("a\xe2\x82") == 2);
}

TEST_CASE("a length is in UTF-16 units", "[cluster][group_partition]") {
  CHECK(java_length("abc") == 3);
  CHECK(java_length("\xf0\x9f\x98\x80") == 2);
}

TEST_CASE(
  "the partition of a group is never negative", "[cluster][group_partition]") {
  CHECK(group_partition("hello", 50) == 22);
  // abs(-2^31) has no int: Kafka takes 0.
  CHECK(group_partition("polygenelubricants", 50) == 0);
  // "orders-app".hashCode() is negative; its absolute value counts.
  for (const auto* name : {"a", "orders-app", "zzzzzzzzzzzz", "x-y-z"}) {
    const auto partition = group_partition(name, 7);
    CHECK(partition >= 0);
    CHECK(partition < 7);
  }
}

} // namespace millrace
