#include "cluster/actor_memory.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// What another life has after it has replayed `records`.
void replay(
  actor_memory& to, const std::vector<actor_memory::record>& records) {
  for (const auto& r : records)
    to.replay(r.key,
      r.value ? std::optional<std::string_view>{*r.value} : std::nullopt);
}

std::vector<std::string> keys(
  const actor_memory& memory, std::string_view prefix) {
  std::vector<std::string> found;
  memory.for_each(prefix, [&](std::string_view key, const std::string&) {
    found.emplace_back(key);
  });
  return found;
}

} // namespace

TEST_CASE("a memory is what its changes come to", "[cluster][actor_memory]") {
  actor_memory first;
  first.put("a", "1");
  first.put("b", "2");
  first.set_position("text", 3, 70);
  first.add_write({"out", -1, "k", "v"});
  std::vector<actor_memory::record> log = first.take_changes();
  first.put("a", "3");
  first.erase("b");
  first.set_position("text", 3, 71);
  for (auto& r : first.take_changes())
    log.push_back(std::move(r));
  CHECK_FALSE(first.is_changed());
  CHECK(first.take_changes().empty());

  actor_memory second;
  replay(second, log);
  CHECK(*second.find("a") == "3");
  CHECK(second.find("b") == nullptr);
  CHECK(second.position("text", 3) == 71);
  CHECK(second.position("text", 4) == std::nullopt);
  const auto writes = second.writes();
  REQUIRE(writes.ok());
  REQUIRE(writes.value().size() == 1);
  CHECK(writes.value().front().second == waiting_write{"out", -1, "k", "v"});
}

TEST_CASE("a pair that changes twice in a turn is told once",
  "[cluster][actor_memory]") {
  actor_memory memory;
  memory.put("a", "1");
  memory.put("a", "2");
  memory.put("b", "1");
  memory.erase("b");
  const auto changes = memory.take_changes();
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].value == "2");
  CHECK(changes[1].value == std::nullopt);
}

TEST_CASE(
  "everything is said without what was before", "[cluster][actor_memory]") {
  actor_memory memory;
  for (int i = 0; i < 100; ++i)
    memory.put("a", std::to_string(i));
  const auto number = memory.add_write({"out", 1, std::nullopt, "v"});
  memory.finish_write(number);
  memory.begin();
  const auto all = memory.everything();
  CHECK(all.size() == 2); // the pair, and how often it has begun
  actor_memory other;
  replay(other, all);
  CHECK(*other.find("a") == "99");
  CHECK(other.begin() == 2);
}

TEST_CASE(
  "an actor's own keys meet none of the others", "[cluster][actor_memory]") {
  actor_memory memory;
  memory.put("p/x", "own");
  memory.put("", "empty");
  memory.set_position("x", 0, 5);
  memory.add_write({"out", 0, "k", std::nullopt});
  memory.begin();
  CHECK(keys(memory, "") == std::vector<std::string>{"", "p/x"});
  CHECK(keys(memory, "p") == std::vector<std::string>{"p/x"});
  CHECK(keys(memory, "q").empty());
  CHECK(memory.position("x", 0) == 5);
}

TEST_CASE("writes come back in their order, and numbers never",
  "[cluster][actor_memory]") {
  actor_memory first;
  for (int i = 0; i < 12; ++i)
    first.add_write({"out", 0, std::nullopt, std::to_string(i)});
  std::vector<actor_memory::record> log = first.take_changes();
  for (uint64_t number = 1; number <= 12; ++number)
    if (number != 9 && number != 10)
      first.finish_write(number);
  for (auto& r : first.take_changes())
    log.push_back(std::move(r));
  actor_memory second;
  replay(second, log);
  const auto writes = second.writes();
  REQUIRE(writes.ok());
  REQUIRE(writes.value().size() == 2);
  CHECK(writes.value()[0].second.value == "8");
  CHECK(writes.value()[1].second.value == "9");
  CHECK(second.add_write({"out", 0, std::nullopt, "x"}) == 13);
}

TEST_CASE(
  "a write that cannot be read is an error", "[cluster][actor_memory]") {
  actor_memory memory;
  memory.replay("w00000000000000000001", "nonsense");
  CHECK_FALSE(memory.writes().ok());
}
