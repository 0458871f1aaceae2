// millrace_scale: how the traffic and the work of a cluster grow with its
// nodes and its partitions, counted in the simulator: production actors, one
// thread, virtual time. Writes tables for docs/scale.md.
//
//   millrace_scale idle --nodes 3,10 --partitions 0,1000 [--seconds 10]
//   millrace_scale work --nodes 3 --partitions 10000 [--replication-factor 3]

#include "bench/scale/scaled_cluster.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <cstdio>

using namespace millrace;
using namespace millrace::bench;

namespace {

struct settings {
  std::vector<int32_t> nodes{3, 10, 50, 200};
  std::vector<int32_t> partitions{0, 1000};
  int16_t replication_factor = 3;
  int64_t seconds = 10;
  int64_t replicas_max = 60'000;
  int32_t topic_partitions = 10'000;
  bool shows_logs = false;
};

/// Of the process, ever: a later cluster of the same size tells nothing new.
double resident_mb_max() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1024;
}

scale_options options_of(const settings& s, int32_t nodes, int32_t partitions) {
  return {.nodes = nodes,
    .partitions = partitions,
    .replication_factor = s.replication_factor};
}

bool is_too_large(const settings& s, int32_t nodes, int32_t partitions) {
  const auto factor = std::min<int64_t>(s.replication_factor, nodes);
  return partitions * factor > s.replicas_max;
}

void print_idle(const settings& s) {
  std::printf(
    "| nodes | partitions | messages/s | formula | KB/s | raft | "
    "broker heartbeats | replicas | other | busiest node: "
    "messages/s, KB/s |\n|---|---|---|---|---|---|---|---|---|---|\n");
  const auto seconds = static_cast<double>(s.seconds);
  for (const auto nodes : s.nodes)
    for (const auto partitions : s.partitions) {
      if (is_too_large(s, nodes, partitions))
        continue;
      scaled_cluster cluster{options_of(s, nodes, partitions)};
      const auto heard = cluster.listen(s.seconds * sim_second);
      const auto rate = [&](std::initializer_list<traffic_kind> kinds) {
        uint64_t sum = 0;
        for (const auto kind : kinds)
          sum += heard.of(kind).messages;
        return static_cast<double>(sum) / seconds;
      };
      using enum traffic_kind;
      const auto raft = rate({raft_heartbeat, raft_answer});
      const auto beats = rate({broker_heartbeat, controller_answer});
      const auto replicas
        = rate({replica_fetch, replica_answer, replica_nudge});
      const auto total = heard.total();
      const auto busiest = heard.busiest();
      const auto all = static_cast<double>(total.messages) / seconds;
      std::printf("| %d | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f "
                  "| %.1f, %.1f |\n",
        nodes, partitions, all,
        idle_rates_of(nodes, cluster.voters()).counted(),
        static_cast<double>(total.bytes) / seconds / 1000, raft, beats,
        replicas, all - raft - beats - replicas,
        static_cast<double>(busiest.messages) / seconds,
        static_cast<double>(busiest.bytes) / seconds / 1000);
      std::fflush(stdout);
    }
}

void print_work(const settings& s) {
  std::printf("Virtual seconds / CPU seconds of all nodes together.\n\n"
              "| nodes | partitions | replicas | controller killed: another "
              "decides | ...all is led | its power lost: another decides | "
              "...all is led | topic of %d made | all restarted | largest "
              "process, MB |\n|---|---|---|---|---|---|---|---|---|---|\n",
    s.topic_partitions);
  for (const auto nodes : s.nodes)
    for (const auto partitions : s.partitions) {
      if (is_too_large(s, nodes, partitions))
        continue;
      scaled_cluster cluster{options_of(s, nodes, partitions)};
      const auto killed = cluster.fail_controller(sim_end::kill);
      const auto lost = cluster.fail_controller(sim_end::power_loss);
      const auto made = cluster.make_topic("another", s.topic_partitions);
      const auto restarted = cluster.restart_all();
      const auto factor = std::min<int64_t>(s.replication_factor, nodes);
      std::printf("| %d | %d | %lld |", nodes, partitions,
        static_cast<long long>(partitions * factor));
      for (const auto& took : {killed.decides, killed.leads, lost.decides,
             lost.leads, made, restarted})
        std::printf(" %.2f / %.2f |", took.virtual_s, took.cpu_s);
      std::printf(" %.0f |\n", resident_mb_max());
      std::fflush(stdout);
    }
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"How a cluster's traffic and work grow, in the simulator"};
  settings s;
  const auto shared = [&s](CLI::App* command) {
    command->add_option("--nodes", s.nodes)->delimiter(',');
    command->add_option("--partitions", s.partitions)->delimiter(',');
    command->add_option("--replication-factor", s.replication_factor);
    command->add_flag(
      "--show-logs", s.shows_logs, "What the nodes log, on stdout");
    command->add_option("--replicas-max", s.replicas_max,
      "Larger clusters are left out: a replica takes some 20 KB here");
  };
  auto* idle = app.add_subcommand("idle", "What nodes say when all is quiet");
  shared(idle);
  idle->add_option("--seconds", s.seconds, "Virtual ones");
  auto* work = app.add_subcommand("work", "A fail-over, a topic, a restart");
  shared(work);
  work->add_option("--topic-partitions", s.topic_partitions);
  app.require_subcommand(1);
  CLI11_PARSE(app, argc, argv);
  if (!s.shows_logs)
    spdlog::set_level(spdlog::level::off);
  try {
    if (*idle)
      print_idle(s);
    else
      print_work(s);
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "millrace_scale: %s\n", failed.what());
    return 1;
  }
  return 0;
}
