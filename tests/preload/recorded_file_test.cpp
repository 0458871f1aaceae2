#include "tests/preload/recorded_file.hpp"

#include <catch2/catch.hpp>

#include <set>

namespace millrace::preload {

namespace {

const std::string a(512, 'a');
const std::string b(512, 'b');

std::string lost(const recorded_file& file) {
  std::mt19937_64 rng{1};
  return file.crash({0}, rng);
}

/// Everything that many crashes left.
std::set<std::string> all_crashes(const recorded_file& file) {
  std::mt19937_64 rng{7};
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i)
    seen.insert(file.crash({0.5}, rng));
  return seen;
}

} // namespace

TEST_CASE("a sync covers what had returned before it began, nothing else",
  "[preload][recorded_file]") {
  recorded_file file;
  file.write(1, 0, "one");
  file.finish(1, 2);
  file.write(3, 3, "two"); // overlaps the sync
  // The sync begins at 4; the write returns at 5, before the sync's end.
  file.finish(3, 5);
  file.sync(4);
  CHECK(file.durable() == "one");
  CHECK(file.cached() == "onetwo");
  CHECK(lost(file) == "one");
  file.sync(6);
  CHECK(file.durable() == "onetwo");
}

TEST_CASE("a write that never returned is not covered by any sync",
  "[preload][recorded_file]") {
  recorded_file file;
  file.write(1, 0, "one");
  file.sync(2);
  CHECK(file.durable().empty());
}

TEST_CASE("a crash keeps any subset of unsynced blocks, and any size",
  "[preload][recorded_file]") {
  recorded_file file;
  const auto both = a + b;
  file.write(1, 0, both);
  file.finish(1, 2);
  const std::string zeros(512, '\0');
  // One size or the other, and each block for itself.
  CHECK(
    all_crashes(file)
    == std::set<std::string>{"", a + b, a + zeros, zeros + b, zeros + zeros});
}

TEST_CASE("a block that was written twice may be as either write left it",
  "[preload][recorded_file]") {
  recorded_file file;
  file.write(1, 0, a);
  file.finish(1, 2);
  file.sync(3);
  file.write(4, 0, b);
  file.finish(4, 5);
  file.write(6, 0, "cc");
  file.finish(6, 7);
  const auto last = "cc" + b.substr(2);
  CHECK(all_crashes(file) == std::set<std::string>{a, b, last});
}

TEST_CASE("a block is never torn, and a synced one never lost",
  "[preload][recorded_file]") {
  recorded_file file;
  file.write(1, 0, a);
  file.finish(1, 2);
  file.sync(3);
  file.write(4, 512, b);
  file.finish(4, 5);
  for (const auto& left : all_crashes(file)) {
    CHECK(left.substr(0, 512) == a);
    const auto rest = left.substr(512);
    CHECK((rest.empty() || rest == b || rest == std::string(512, '\0')));
  }
}

TEST_CASE("a truncation that was not synced may be lost or kept",
  "[preload][recorded_file]") {
  recorded_file file;
  file.write(1, 0, a);
  file.finish(1, 2);
  file.sync(3);
  file.truncate(4, 2);
  file.finish(4, 5);
  CHECK(file.cached() == "aa");
  CHECK(all_crashes(file) == std::set<std::string>{a, "aa"});
  file.sync(6);
  CHECK(file.durable() == "aa");
}

TEST_CASE("a synchronous write makes its own bytes durable, not others'",
  "[preload][recorded_file]") {
  recorded_file file;
  file.write(1, 0, "xxxx");
  file.finish(1, 2);
  file.write(3, 1, "yy");
  file.finish(3, 4);
  file.sync_one(3);
  CHECK(file.durable() == std::string("\0yy", 3));
  CHECK(file.cached() == "xyyx");
  file.sync(5);
  CHECK(file.durable() == "xyyx");
}

TEST_CASE("what a killed process left unfinished is as the page cache has it",
  "[preload][recorded_file]") {
  const std::string actual = "onetw";
  recorded_file file;
  file.write(1, 0, "one");
  file.finish(1, 2);
  file.write(3, 3, "two");
  file.settle(4, actual);
  CHECK(file.cached() == "onetw");
  CHECK(file.durable().empty());
  // The next process may sync it.
  file.sync(5);
  CHECK(file.durable() == "onetw");
}

} // namespace millrace::preload
