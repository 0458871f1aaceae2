// Runs of five nodes under all faults: 250 fixed seeds, 250 that follow from
// the commit, and those that found something once. One program runs one part
// of them (seeds.sh); with MILLRACE_LONG it then draws more, for a while.

#include "simulation/cluster_run.hpp"

#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace millrace {

namespace {

constexpr uint64_t fixed_seeds = 250;
constexpr uint64_t drawn_seeds = 250;
/// Of each part, in a long check; two parts at a time take an hour for all.
constexpr auto long_span = std::chrono::minutes{14};

std::string text_of(const char* variable, const char* fallback) {
  const char* value = std::getenv(variable);
  return value == nullptr ? fallback : value;
}

/// The `number`-th seed that follows from the commit (FNV-1a).
uint64_t drawn_seed(const std::string& commit, uint64_t number) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : commit + "/" + std::to_string(number))
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash >> 20;
}

/// A group that reads as well takes time from the others: every third run.
sim_options options_for(uint64_t seed) {
  return {.seed = seed,
    .operations = 1000,
    .nodes = 5,
    .least = 60 * sim_second,
    .groups = seed % 3 == 0};
}

std::vector<sim_options> regressions() {
  std::ifstream file{MILLRACE_SOURCE_DIR "/tests/simulation/regressions.txt"};
  std::vector<sim_options> all;
  for (std::string line; std::getline(file, line);) {
    sim_options o;
    int64_t seconds = 0;
    if (std::istringstream in{line};
      in >> o.seed >> o.nodes >> o.operations >> seconds) {
      o.least = seconds * sim_second;
      std::string word;
      o.groups = in >> word && word == "groups";
      all.push_back(o);
    }
  }
  return all;
}

/// What a part of the runs has met.
struct run_tally {
  uint64_t runs = 0;
  uint64_t operations = 0;
  sim_report sum;

  void run(const sim_options& options) {
    const auto report = run_simulation(options);
    INFO(to_string(report) << "\n" << replay_line(options));
    CHECK(report.ok());
    // A cluster that refuses everything would break no other rule.
    CHECK(report.acknowledged >= options.operations);
    ++runs;
    operations += report.acknowledged;
    sum.transactions += report.transactions;
    sum.elections += report.elections;
    sum.leaderships += report.leaderships;
    sum.starts += report.starts;
    sum.reassignments += report.reassignments;
    sum.config_changes += report.config_changes;
    sum.voter_changes += report.voter_changes;
    sum.wiped_voters += report.wiped_voters;
    sum.virtual_ms += report.virtual_ms;
    for (size_t i = 0; i < sim_fault_count; ++i)
      sum.faults[i] += report.faults[i];
  }
};

} // namespace

TEST_CASE("five nodes keep what they acknowledged, whatever fails",
  "[simulation][cluster_seeds]") {
  spdlog::set_level(spdlog::level::off);
  const auto part = std::stoull(text_of("MILLRACE_PART", "1"));
  const auto parts = std::stoull(text_of("MILLRACE_PARTS", "1"));
  const auto commit = text_of("MILLRACE_COMMIT", "none");
  const auto begin = std::chrono::steady_clock::now();
  const auto past = [&] {
    return std::chrono::steady_clock::now() - begin;
  };
  run_tally met;
  for (auto i = part; i <= fixed_seeds; i += parts)
    met.run(options_for(i));
  for (auto i = part; i <= drawn_seeds; i += parts)
    met.run(options_for(drawn_seed(commit, i)));
  const auto known = regressions();
  REQUIRE(known.size() >= 4);
  for (auto i = part; i <= known.size(); i += parts)
    met.run(known[i - 1]);
  if (std::getenv("MILLRACE_LONG") != nullptr)
    for (auto i = drawn_seeds + part; past() < long_span; i += parts)
      met.run(options_for(drawn_seed(commit, i)));
  // About sixty faults in each run, and three of each kind.
  for (size_t i = 0; i < sim_fault_count; ++i) {
    CAPTURE(to_string(static_cast<sim_fault>(i)));
    CHECK(met.sum.faults[i] >= met.runs / 2);
  }
  CHECK(met.operations >= 2000 * met.runs);
  CHECK(met.sum.transactions >= 20 * met.runs);
  CHECK(met.sum.elections >= 4 * met.runs);
  CHECK(met.sum.leaderships >= 20 * met.runs);
  CHECK(met.sum.starts >= 15 * met.runs);
  CHECK(met.sum.reassignments >= met.runs);
  CHECK(met.sum.config_changes >= met.runs);
  CHECK(met.sum.voter_changes >= 4 * met.runs);
  CHECK(met.sum.wiped_voters >= met.runs / 2);
  const auto seconds = std::chrono::duration<double>(past()).count();
  WARN(met.runs << " runs, " << met.operations << " operations, "
                << met.sum.transactions << " committed transactions, "
                << met.sum.elections << " elections of the metadata's leader, "
                << met.sum.leaderships << " of partitions' leaders, "
                << met.sum.reassignments << " reassignments, "
                << met.sum.config_changes << " changes of configurations, "
                << met.sum.voter_changes << " changes of voters, "
                << met.sum.wiped_voters << " wiped voters, "
                << met.sum.virtual_ms / 1000 << " virtual seconds in "
                << seconds);
}

} // namespace millrace
