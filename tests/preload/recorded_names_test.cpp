#include "tests/preload/recorded_names.hpp"

#include <catch2/catch.hpp>

#include <set>

namespace millrace::preload {

namespace {

std::string text_of(const recorded_names::table& names) {
  std::string text;
  for (const auto& [name, node] : names)
    text += name + " ";
  return text;
}

std::set<std::string> all_crashes(const recorded_names& names) {
  std::mt19937_64 rng{7};
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i)
    seen.insert(text_of(names.crash({0.5}, rng)));
  return seen;
}

} // namespace

TEST_CASE("a name is durable after a sync of its directory that began later",
  "[preload][recorded_names]") {
  recorded_names names;
  names.put(1, "a", make_file());
  names.finish(1, 3);
  names.sync(2); // began before the creation had returned
  CHECK(text_of(names.durable()).empty());
  names.sync(4);
  CHECK(text_of(names.durable()) == "a ");
}

TEST_CASE("a rename comes whole or not at all, and not without the creation",
  "[preload][recorded_names]") {
  recorded_names names;
  names.put(1, "a", make_file());
  names.finish(1, 2);
  names.sync(3);
  names.put(4, "a.tmp", make_file());
  names.finish(4, 5);
  names.move(6, "a.tmp", "a");
  names.finish(6, 7);
  CHECK(text_of(names.cached()) == "a ");
  CHECK(all_crashes(names) == std::set<std::string>{"a ", "a a.tmp "});
}

TEST_CASE(
  "independent names are lost independently", "[preload][recorded_names]") {
  recorded_names names;
  names.put(1, "a", make_file());
  names.finish(1, 2);
  names.put(3, "b", make_file());
  names.finish(3, 4);
  CHECK(all_crashes(names) == std::set<std::string>{"", "a ", "b ", "a b "});
}

TEST_CASE(
  "an unlink that was not synced may be undone", "[preload][recorded_names]") {
  recorded_names names;
  names.put(1, "a", make_file());
  names.finish(1, 2);
  names.sync(3);
  names.remove(4, "a");
  names.finish(4, 5);
  CHECK(text_of(names.cached()).empty());
  CHECK(all_crashes(names) == std::set<std::string>{"", "a "});
}

TEST_CASE("an unfinished change has happened if its names say so",
  "[preload][recorded_names]") {
  for (const bool happened : {false, true}) {
    recorded_names names;
    names.put(1, "a", make_file());
    names.finish(1, 2);
    names.sync(3);
    names.move(4, "a", "b");
    names.settle(5, {happened ? "b" : "a"});
    CHECK(text_of(names.cached()) == (happened ? "b " : "a "));
    names.sync(6);
    CHECK(text_of(names.durable()) == (happened ? "b " : "a "));
  }
}

} // namespace millrace::preload
