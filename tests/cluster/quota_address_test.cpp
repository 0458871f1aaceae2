#include "cluster/quota_address.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("equal addresses have one form", "[cluster][quota_address]") {
  CHECK(canonical_address("10.0.0.1") == "10.0.0.1");
  CHECK(canonical_address("::ffff:10.0.0.1") == "10.0.0.1");
  CHECK(canonical_address("::FFFF:a00:1") == "10.0.0.1");
  CHECK(canonical_address("2001:DB8:0:0::1") == "2001:db8::1");
  CHECK(canonical_address("0:0:0:0:0:0:0:0") == "::");
  CHECK(canonical_address("::") == "::");
  CHECK(canonical_address("1::") == "1::");
  CHECK(canonical_address("1:0:0:2:0:0:0:3") == "1:0:0:2::3");
  CHECK(canonical_address("1:0:2:3:4:5:6:7") == "1:0:2:3:4:5:6:7");
  CHECK(canonical_address("1:2:3:4:5:6:1.2.3.4") == "1:2:3:4:5:6:102:304");
}

TEST_CASE("what is no address has none", "[cluster][quota_address]") {
  for (const char* text : {"", "localhost", "10.0.0", "10.0.0.256", "1.2.3.4.5",
         "::1%lo", "[::1]", "10.0.0.1:9092", ":::", "1::2::3", "1:2:3:4:5:6:7",
         "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "01.2.3.4", ":1",
         "1:", "1.2.3.4::", "+1.2.3.4", "::-1"})
    CHECK_FALSE(canonical_address(text));
}
