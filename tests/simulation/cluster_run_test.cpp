#include "simulation/cluster_run.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("a node by itself passes the runs of a cluster, whatever fails",
  "[simulation][cluster_run]") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const sim_options options{
      .seed = seed, .operations = 300, .nodes = 1, .least = 5 * sim_second};
    const auto report = run_cluster(options);
    INFO(to_string(report));
    REQUIRE(report.ok());
    CHECK(report.acknowledged >= 300);
  }
}

TEST_CASE(
  "a run of a cluster follows from its seed", "[simulation][cluster_run]") {
  const sim_options options{.seed = 3, .operations = 100, .nodes = 1};
  const auto first = to_string(run_cluster(options));
  for (int i = 0; i < 5; ++i)
    REQUIRE(to_string(run_cluster(options)) == first);
}

TEST_CASE("a failing run says the command that gives it again",
  "[simulation][cluster_run]") {
  sim_options options{.seed = 9, .operations = 20, .nodes = 5};
  options.least = 60 * sim_second;
  CHECK(replay_line(options)
        == "millrace sim --seed 9 --nodes 5 --ops 20 --faults all "
           "--seconds 60");
  options.faults = *parse_faults("pause,kill");
  CHECK(replay_line(options)
        == "millrace sim --seed 9 --nodes 5 --ops 20 --faults kill,pause "
           "--seconds 60");
}

TEST_CASE("faults are named, and a wrong name is told the right ones",
  "[simulation][cluster_faults]") {
  CHECK(parse_faults("all")->all());
  CHECK(parse_faults("none")->none());
  CHECK(parse_faults("halves,ring")->count() == 2);
  const auto wrong = parse_faults("halfs");
  REQUIRE(!wrong.ok());
  CHECK(wrong.error().context.find("halves") != std::string::npos);
}
