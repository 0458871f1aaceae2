#include "simulation/cluster_run.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

using namespace millrace;

namespace {

bool is_long() {
  return std::getenv("MILLRACE_LONG") != nullptr;
}

/// So many seeds; what all of them together have met.
sim_report runs(int32_t nodes, uint64_t seeds, sim_time span) {
  sim_report sum;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const sim_options options{.seed = seed,
      .operations = 1000,
      .nodes = nodes,
      .least = span,
      .groups = true};
    const auto report = run_simulation(options);
    INFO(to_string(report) << "\n" << replay_line(options));
    REQUIRE(report.ok());
    // A cluster that refuses everything would break no other rule.
    REQUIRE(report.acknowledged >= 1000);
    sum.transactions += report.transactions;
    sum.elections += report.elections;
    sum.leaderships += report.leaderships;
    sum.starts += report.starts;
    sum.follower_reads += report.follower_reads;
    for (size_t i = 0; i < sim_fault_count; ++i)
      sum.faults[i] += report.faults[i];
  }
  return sum;
}

} // namespace

TEST_CASE("a cluster keeps what it acknowledged, whatever fails",
  "[simulation][cluster_run]") {
  const auto nodes = GENERATE(3, 5);
  const uint64_t seeds = is_long() ? 250 : 8;
  const auto sum = runs(nodes, seeds, 60 * sim_second);
  // About sixty faults in each run, and three of each kind; of directories,
  // when nothing else is damaged.
  for (size_t i = 0; i < sim_fault_count; ++i) {
    const auto fault = static_cast<sim_fault>(i);
    CAPTURE(nodes, to_string(fault));
    CHECK(sum.faults[i] >= (fault < sim_fault::log_dir_gone ? seeds / 2 : 1));
  }
  CHECK(sum.transactions >= 20 * seeds);
  CHECK(sum.elections >= 4 * seeds);
  CHECK(sum.leaderships >= 20 * seeds);
  CHECK(sum.starts >= 15 * seeds);
  // Every other run has racks.
  CHECK(sum.follower_reads > seeds);
}

TEST_CASE("without faults nobody is refused what is its own",
  "[simulation][cluster_run]") {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const sim_options options{.seed = seed,
      .operations = 500,
      .nodes = 3,
      .faults = {},
      .least = 10 * sim_second,
      .groups = true};
    const auto report = run_simulation(options);
    INFO(to_string(report) << "\n" << replay_line(options));
    REQUIRE(report.ok());
    CHECK(report.transactions >= 5);
  }
}

TEST_CASE("the same seed gives the same cluster", "[simulation][cluster_run]") {
  const sim_options options{.seed = 42,
    .operations = 200,
    .nodes = 5,
    .least = 5 * sim_second,
    .groups = true};
  const auto first = to_string(run_simulation(options));
  for (int i = 0; i < 5; ++i)
    REQUIRE(to_string(run_simulation(options)) == first);
}

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
