#include "simulation/sim_file_system.hpp"
#include "storage/log_places.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

std::unique_ptr<log_places> must_open(sim_file_system& files) {
  auto directory = data_directory::open(files, "/data",
    {.node = node_id{3}, .fresh_cluster = {1, 2}, .fresh_directory = {3, 4}});
  REQUIRE(directory);
  auto places = log_places::open(files, std::move(*directory));
  REQUIRE(places);
  return std::move(*places);
}

} // namespace

TEST_CASE("hints come back after a restart, and a log without an entry starts "
          "at 0 (R10, R18)",
  "[storage][log_places]") {
  sim_file_system files;
  auto places = must_open(files);
  places->set_hints({"t", 0}, offset{5}, offset{9});
  REQUIRE(places->save());
  places.reset();
  files.crash(crash_policy::lose_unsynced);
  places = must_open(files);
  CHECK(places->hints({"t", 0}).log_start == offset{5});
  CHECK(places->hints({"t", 0}).durable == offset{9});
  CHECK(places->hints({"u", 0}).log_start == offset{0});
  CHECK_FALSE(places->hints({"u", 0}).durable);
}

TEST_CASE("where a log starts is unknown, not 0, when its checkpoint is broken",
  "[storage][log_places]") {
  sim_file_system files;
  auto places = must_open(files);
  places->set_hints({"t", 0}, offset{5}, offset{9});
  REQUIRE(places->save());
  places.reset();
  REQUIRE(replace_file(files, "/data/log-start-offset-checkpoint", "x"));
  places = must_open(files);
  CHECK_FALSE(places->hints({"t", 0}).log_start);
  CHECK(places->hints({"t", 0}).durable == offset{9});
  CHECK(places->notes().size() == 1);
}
