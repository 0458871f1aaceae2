#include "simulation/sim_file_system.hpp"
#include "storage/posix_file_system.hpp"
#include "storage/vote_file.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

vote vote_number(uint64_t n) {
  return {n, node_id{static_cast<int32_t>(n % 5)}, uuid{n, n + 1}};
}

} // namespace

TEST_CASE("a vote is there after a restart (R23)", "[storage][vote_file]") {
  temporary_directory directory;
  posix_file_system files;
  const auto path = directory.path() + "/vote";
  {
    auto opened = vote_file::open(files, path);
    REQUIRE(opened);
    CHECK(opened->current() == vote{});
    REQUIRE(opened->store({4, node_id{-1}, {}}));
    REQUIRE(opened->store({4, node_id{2}, uuid{7, 8}}));
  }
  for (uint64_t n = 5; n < 10; ++n) {
    auto opened = vote_file::open(files, path);
    REQUIRE(opened);
    CHECK(opened->current()
          == (n == 5 ? vote{4, node_id{2}, uuid{7, 8}} : vote_number(n - 1)));
    REQUIRE(opened->store(vote_number(n)));
  }
  CHECK(read_file(files, path)->size() == 1024);
}

TEST_CASE("a stop at any operation leaves the old vote or the new",
  "[storage][vote_file]") {
  uint64_t stops = 0;
  for (uint64_t n = 1;; ++n) {
    sim_file_system files{std::mt19937_64{n}};
    files.stop_at(n);
    uint64_t stored = 0;
    auto opened = vote_file::open(files, "/vote");
    while (opened && stored < 6 && opened->store(vote_number(stored + 1)))
      ++stored;
    if (!files.stopped())
      break;
    ++stops;
    for (uint64_t way = 0; way < 20; ++way) {
      auto one = files.clone();
      one->reseed(std::mt19937_64{way});
      if (way == 0)
        one->kill(); // what is read next may be in the page cache only (R5)
      else
        one->crash(crash_policy::random_subset);
      auto again = vote_file::open(*one, "/vote");
      REQUIRE(again);
      const auto term = again->current().term;
      CHECK((term == stored || term == stored + 1));
      CHECK(again->current() == (term == 0 ? vote{} : vote_number(term)));
      one->crash(crash_policy::lose_unsynced);
      CHECK(vote_file::open(*one, "/vote")->current().term == term);
    }
  }
  CHECK(stops == 5 + 2 + 6 * 2); // replace; sync at opening; write and sync
}

TEST_CASE("one broken slot leaves the other, two are corruption",
  "[storage][vote_file]") {
  sim_file_system files;
  {
    auto opened = vote_file::open(files, "/vote");
    REQUIRE(opened->store(vote_number(1)));
    REQUIRE(opened->store(vote_number(2)));
  }
  files.flip_bit("/vote", 512 + 17, 0); // the newer, sequence 3
  CHECK(vote_file::open(files, "/vote")->current() == vote_number(1));
  files.flip_bit("/vote", 17, 0);
  auto opened = vote_file::open(files, "/vote");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
  CHECK_THAT(opened.error().context, Catch::Contains("join anew"));
}

TEST_CASE("after a failed sync nothing is stored any more (R6)",
  "[storage][vote_file]") {
  sim_file_system files;
  auto opened = vote_file::open(files, "/vote");
  REQUIRE(opened->store(vote_number(1)));
  files.fail_next_sync();
  CHECK(opened->store(vote_number(2)).error().code == errc::io_error);
  CHECK(opened->current() == vote_number(1));
  CHECK(opened->store(vote_number(3)).error().code == errc::offline);
}

TEST_CASE("the bytes of a vote are those of the format's page",
  "[storage][vote_file]") {
  sim_file_system files;
  auto opened = vote_file::open(files, "/vote");
  REQUIRE(opened->store({4, node_id{2}, uuid{1, 2}}));
  const auto content = files.content("/vote");
  REQUIRE(content.size() == 1024);
  const std::string slot{"mrvote01\2\0\0\0\0\0\0\0"
                         "\4\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                         "\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
                         "\xa8\xac\x21\x62",
    52};
  CHECK(content.substr(0, 52) == slot);
  CHECK(content.substr(52, 460) == std::string(460, '\0'));
}

TEST_CASE("a vote file of a later version is refused with a sentence",
  "[storage][vote_file]") {
  sim_file_system files;
  REQUIRE(replace_file(files, "/vote", "mrvote02" + std::string(1016, 'x')));
  auto opened = vote_file::open(files, "/vote");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::unsupported);
  CHECK_THAT(opened.error().context, Catch::Contains("version 02"));
}
