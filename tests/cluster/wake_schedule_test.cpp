#include "cluster/wake_schedule.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("the earliest comes first, and the last word of each counts",
  "[cluster][wake_schedule]") {
  wake_schedule all;
  CHECK(all.next_ms() == wake_schedule::never);
  all.set("a", 30);
  all.set("b", 20);
  all.set("c", 40);
  CHECK(all.next_ms() == 20);
  CHECK(all.next() == "b");
  all.set("b", 35);
  CHECK(all.next() == "a");
  CHECK(all.due(29).empty());
  CHECK(all.due(35) == std::vector<std::string>{"a", "b"});
  all.set("a", wake_schedule::never);
  CHECK(all.due(100) == std::vector<std::string>{"b", "c"});
  all.clear();
  CHECK(all.next_ms() == wake_schedule::never);
}
