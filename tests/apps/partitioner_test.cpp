#include "apps/client/partitioner.hpp"

#include <catch2/catch.hpp>

using namespace millrace::client;

TEST_CASE("a key goes where the Java client sends it", "[apps][partitioner]") {
  // Published values of murmur2: "21" hashes to -973932308, "foobar" to
  // -790332482; without the sign bit, modulo 7.
  const partitioner p{7, 0};
  CHECK(p.choose("21") == (-973932308 & 0x7fffffff) % 7);
  CHECK(p.choose("foobar") == (-790332482 & 0x7fffffff) % 7);
  CHECK(p.choose("") == p.choose(""));
}

TEST_CASE("records without a key stick to a partition until its batch went",
  "[apps][partitioner]") {
  partitioner p{3, 5};
  CHECK(p.choose(std::nullopt) == 2);
  CHECK(p.choose(std::nullopt) == 2);
  p.batch_sent(0);
  CHECK(p.choose(std::nullopt) == 2);
  p.batch_sent(2);
  CHECK(p.choose(std::nullopt) == 0);
}
