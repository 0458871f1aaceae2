#include "storage/murmur2.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

// The expected numbers are those of the Java client's own tests of its
// default partitioner.
TEST_CASE(
  "murmur2 gives what the Java client's hash gives", "[storage][murmur2]") {
  CHECK(murmur2("21") == -973932308);
  CHECK(murmur2("foobar") == -790332482);
  CHECK(murmur2("a-little-bit-long-string") == -985981536);
  CHECK(murmur2("a-little-bit-longer-string") == -1486304829);
  CHECK(
    murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8") == -58897971);
  CHECK(murmur2("abc") == 479470107);
}
