#include "apps/client/range_assignor.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::client;

TEST_CASE("each member gets neighbours, the first ones one more",
  "[apps][range_assignor]") {
  const auto assigned
    = assign_ranges({{"m1", {"t"}}, {"m2", {"t"}}, {"m3", {"t"}}}, {{"t", 7}});
  CHECK(assigned.at("m1")
        == std::vector<topic_partition>{{"t", 0}, {"t", 1}, {"t", 2}});
  CHECK(assigned.at("m2") == std::vector<topic_partition>{{"t", 3}, {"t", 4}});
  CHECK(assigned.at("m3") == std::vector<topic_partition>{{"t", 5}, {"t", 6}});
}

TEST_CASE("only subscribers of a topic share it", "[apps][range_assignor]") {
  const auto assigned
    = assign_ranges({{"m1", {"a"}}, {"m2", {"a", "b"}}}, {{"a", 1}, {"b", 2}});
  CHECK(assigned.at("m1") == std::vector<topic_partition>{{"a", 0}});
  CHECK(assigned.at("m2") == std::vector<topic_partition>{{"b", 0}, {"b", 1}});
}

TEST_CASE(
  "a member without partitions is assigned nothing", "[apps][range_assignor]") {
  const auto assigned = assign_ranges({{"m1", {"gone"}}}, {});
  REQUIRE(assigned.contains("m1"));
  CHECK(assigned.at("m1").empty());
}
