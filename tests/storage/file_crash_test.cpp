// What the simulated file system does to what was not synced.

#include "simulation/sim_file_system.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace millrace;

namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span{text});
}

std::shared_ptr<file> must_open(
  sim_file_system& files, const std::string& path) {
  auto opened = files.open(path, open_mode::create);
  REQUIRE(opened);
  return *opened;
}

} // namespace

TEST_CASE("a crash takes what was not synced", "[storage][file]") {
  sim_file_system files;
  auto f = must_open(files, "/a");
  REQUIRE(f->write_at(0, bytes("old")));
  REQUIRE(f->sync());
  REQUIRE(files.sync_directory("/"));
  REQUIRE(f->write_at(0, bytes("new!")));
  auto g = must_open(files, "/b");
  REQUIRE(g->write_at(0, bytes("nameless")));
  REQUIRE(g->sync());
  auto kept = files.clone();

  files.crash(crash_policy::lose_unsynced);
  CHECK(files.tree() == std::vector<std::string>{"/a"});
  CHECK(files.content("/a") == "old");
  CHECK(f->sync().error().code == errc::offline);
  CHECK(f->size().error().code == errc::offline);

  auto killed = kept->clone();
  killed->kill();
  CHECK(killed->content("/a") == "new!");
  CHECK(killed->durable_content("/a") == "old");
  killed->crash(crash_policy::lose_unsynced);
  CHECK(killed->content("/a") == "old");

  kept->crash(crash_policy::keep_unsynced);
  CHECK(kept->tree() == std::vector<std::string>{"/a", "/b"});
  CHECK(kept->content("/a") == "new!");
}

TEST_CASE("any subset of unsynced blocks may survive", "[storage][file]") {
  sim_file_system files;
  auto f = must_open(files, "/a");
  REQUIRE(files.sync_directory("/"));
  REQUIRE(f->write_at(0, bytes(std::string(1536, 'o'))));
  REQUIRE(f->sync());
  REQUIRE(f->write_at(0, bytes(std::string(1536, 'n'))));
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    auto one = files.clone();
    one->reseed(std::mt19937_64{seed});
    one->crash(crash_policy::random_subset);
    const auto content = one->content("/a");
    std::string kinds;
    for (size_t block = 0; block < 3; ++block) {
      const auto piece = content.substr(block * 512, 512);
      CHECK(piece == std::string(512, piece[0]));
      kinds += piece[0];
    }
    seen.insert(kinds);
  }
  CHECK(seen.size() == 8);
}

TEST_CASE("a rename survives whole or not at all", "[storage][file]") {
  sim_file_system files;
  REQUIRE(replace_file(files, "/a", "old"));
  {
    auto f = must_open(files, "/a.tmp");
    REQUIRE(f->write_at(0, bytes("new")));
    REQUIRE(f->sync());
  }
  REQUIRE(files.rename("/a.tmp", "/a"));
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    auto one = files.clone();
    one->reseed(std::mt19937_64{seed});
    one->crash(crash_policy::random_subset);
    const bool leftover = one->exists("/a.tmp");
    seen.insert(one->content("/a") + (leftover ? "+tmp" : ""));
  }
  // The name of the temporary file may have come alone.
  CHECK(seen == std::set<std::string>{"old", "old+tmp", "new"});
}

TEST_CASE("after a failed sync the disk stays old (R6)", "[storage][file]") {
  sim_file_system files;
  REQUIRE(replace_file(files, "/a", "old"));
  auto f = must_open(files, "/a");
  REQUIRE(f->write_at(0, bytes("new")));
  files.fail_next_sync();
  CHECK(f->sync().error().code == errc::io_error);
  CHECK(f->sync());
  CHECK(files.content("/a") == "new");
  CHECK(files.durable_content("/a") == "old");
  files.crash(crash_policy::keep_unsynced);
  CHECK(files.content("/a") == "old");
  CHECK(files.faults_injected() == 1);
}

TEST_CASE("replacing a file leaves the old or the new, wherever it stops",
  "[storage][file]") {
  sim_file_system before;
  REQUIRE(before.make_directory("/d"));
  REQUIRE(before.sync_directory("/"));
  REQUIRE(replace_file(before, "/d/a", std::string(2000, 'o')));
  uint64_t stops = 0;
  for (uint64_t n = 1;; ++n) {
    auto files = before.clone();
    files->reseed(std::mt19937_64{n});
    files->stop_at(before.operation_count() + n);
    const bool done = replace_file(*files, "/d/a", std::string(3000, 'n')).ok();
    if (done)
      break;
    ++stops;
    CHECK(files->stopped());
    for (uint64_t seed = 0; seed < 50; ++seed) {
      auto one = files->clone();
      one->reseed(std::mt19937_64{seed});
      one->crash(crash_policy::random_subset);
      const auto content = one->content("/d/a");
      CHECK((content == std::string(2000, 'o')
             || content == std::string(3000, 'n')));
    }
  }
  CHECK(stops == 5); // create, write, sync, rename, sync of the directory
}

TEST_CASE(
  "a simulated disk fills up, and freed space helps", "[storage][file]") {
  sim_file_system files;
  files.limit_space(1000);
  auto f = must_open(files, "/a");
  auto g = must_open(files, "/b");
  REQUIRE(f->write_at(0, bytes(std::string(600, 'x'))));
  CHECK(g->write_at(0, bytes(std::string(600, 'x'))).error().code
        == errc::out_of_space);
  CHECK(g->reserve(0, 600).error().code == errc::out_of_space);
  CHECK(files.space("/")->free_bytes == 400);
  REQUIRE(files.remove("/a"));
  CHECK(g->write_at(0, bytes(std::string(600, 'x'))));
}

TEST_CASE("faults come when they are asked for", "[storage][file]") {
  sim_file_system files;
  auto f = must_open(files, "/a");
  files.fail_at(files.operation_count() + 1, errc::io_error);
  CHECK(f->write_at(0, bytes("x")).error().code == errc::io_error);
  CHECK(f->write_at(0, bytes("y")));
  files.flip_bit("/a", 0, 0);
  CHECK(files.content("/a") == "x");
  files.limit_handles(1);
  CHECK(files.open("/a", open_mode::read).error().code == errc::out_of_handles);
  auto lock = files.lock("/");
  REQUIRE(lock);
  files.crash(crash_policy::lose_unsynced);
  CHECK(files.lock("/"));
}

TEST_CASE("the same seed leaves the same trace", "[storage][file]") {
  const auto run = [](uint64_t seed) {
    sim_file_system files{std::mt19937_64{seed}};
    auto f = must_open(files, "/a");
    for (int i = 0; i < 100; ++i) {
      const auto text = std::to_string(i);
      REQUIRE(f->write_at(static_cast<uint64_t>(i) * 100, bytes(text)));
    }
    REQUIRE(files.sync_directory("/"));
    files.crash(crash_policy::random_subset);
    auto left = read_file(files, "/a");
    REQUIRE(left);
    return std::pair{files.trace_hash(), *left};
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}
