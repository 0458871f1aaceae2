// A cluster of which one node leads all that clients want.

#include "simulation/cluster_fixture.hpp"

#include <catch2/catch.hpp>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

using namespace millrace;
using millrace::testing::cluster_fixture;
using namespace std::chrono_literals;

namespace {

constexpr int32_t partitions = 9;

/// What the nodes say meanwhile.
class kept_log {
public:
  kept_log() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("kept", lines_));
  }
  ~kept_log() {
    spdlog::set_default_logger(before_);
  }
  kept_log(const kept_log&) = delete;
  kept_log& operator=(const kept_log&) = delete;

  [[nodiscard]] int64_t count(std::string_view part) const {
    const auto all = lines_->last_formatted();
    return std::count_if(all.begin(), all.end(), [part](const auto& line) {
      return line.find(part) != std::string::npos;
    });
  }

private:
  std::shared_ptr<spdlog::logger> before_;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines_
    = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(10'000);
};

/// Three nodes that lead three partitions each; those of one of them are big,
/// and read again and again.
struct one_is_read {
  kept_log log;
  cluster_fixture cluster;
  std::multiset<std::string> written;
  std::vector<int32_t> big; ///< partitions
  int32_t hot = 0;

  one_is_read(uint64_t seed, const std::string& mode)
      : cluster(3, {},
          {.seed = seed,
            .settings
            = {{"auto.rebalance", mode}, {"auto.rebalance.delay.ms", "5000"}},
            .show_logs = true}) {
    cluster.create_topic("t", partitions);
    hot = *cluster.leader_of("t", 0);
    for (int32_t i = 0; i < partitions; ++i) {
      const bool is_big = cluster.leader_of("t", i) == hot;
      if (is_big)
        big.push_back(i);
      write(i, is_big ? 300'000 : 1);
    }
    REQUIRE(big.size() == 3);
  }
  void write(int32_t partition, size_t bytes) {
    auto value = std::to_string(written.size());
    value.resize(value.size() + bytes, 'x');
    cluster.produce("t", {}, value, partition);
    written.insert(value);
  }
  /// About 9 MB each second.
  void read_for(testing::virtual_time span) {
    for (const auto end = cluster.now() + span; cluster.now() < end;) {
      check_nothing_lost();
      cluster.run_for(100ms);
    }
  }
  void check_nothing_lost() {
    std::multiset<std::string> read;
    for (const auto& record : cluster.consume("t"))
      read.insert(*record.value);
    REQUIRE(read == written);
  }
  /// How many of the big ones each node leads.
  std::map<int32_t, int> big_led() {
    std::map<int32_t, int> counts;
    for (const auto i : big)
      if (const auto leader = cluster.leader_of("t", i))
        ++counts[*leader];
    return counts;
  }
  std::map<int32_t, int> led() {
    std::map<int32_t, int> counts;
    for (int32_t i = 0; i < partitions; ++i)
      ++counts[cluster.replicas_of("t", i).front()];
    return counts;
  }
};

const std::map<int32_t, int> one_each{{1, 1}, {2, 1}, {3, 1}};
const std::map<int32_t, int> three_each{{1, 3}, {2, 3}, {3, 3}};

} // namespace

TEST_CASE("a node that stays hot gives others something to lead, as much comes "
          "back, and nothing is moved a second time",
  "[simulation][hot_node]") {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    one_is_read run{seed, "apply"};
    CHECK(run.big_led() == std::map<int32_t, int>{{run.hot, 3}});
    for (int i = 0; i < 60 && run.big_led() != one_each; ++i)
      run.read_for(1s);
    CHECK(run.big_led() == one_each);
    CHECK(run.led() == three_each);
    CHECK(run.log.count("is hot") == 1);
    run.read_for(60s);
    CHECK(run.big_led() == one_each);
    CHECK(run.log.count("is hot") == 1);
    run.cluster.await_in_sync();
  }
}

TEST_CASE("a cluster that only plans says once that a node is hot",
  "[simulation][hot_node]") {
  one_is_read run{11, "plan"};
  run.read_for(60s);
  CHECK(run.big_led() == std::map<int32_t, int>{{run.hot, 3}});
  CHECK(run.log.count("node " + std::to_string(run.hot) + " is hot") == 1);
  CHECK(run.log.count("with auto.rebalance=apply") == 1);
}

TEST_CASE("the one that leads the metadata next finds out anew who is hot",
  "[simulation][hot_node]") {
  one_is_read run{21, "apply"};
  run.read_for(12s);
  // Whoever leads them.
  for (int32_t node = 1; node <= 3; ++node)
    run.cluster.restart(node), run.cluster.await_in_sync();
  const auto most = [&] {
    int n = 0;
    for (const auto& [node, count] : run.big_led())
      n = std::max(n, count);
    return n;
  };
  for (int i = 0; i < 90 && most() > 1; ++i)
    run.read_for(1s);
  CHECK(most() == 1);
}
