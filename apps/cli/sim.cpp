#include "apps/cli/sim.hpp"

#include "simulation/sim_run.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>

namespace millrace::cli {

namespace {

constexpr const char* footer = R"(
Runs whole nodes (the production actors) under simulated disks, networks and
clocks, all driven by one seed, while clients produce, fetch and commit offsets
and everything fails that can. It ends with one line; the same seed gives the
same line. A failure's line says what to run to see it again.

Examples:
  millrace sim --seed 7
  millrace sim --seed 7 --nodes 5 --ops 5000
  millrace sim --seed 7 --nodes 3 --faults kill,pause,halves --seconds 60)";

struct sim_command {
  sim_options options;
  std::string faults = "all";
  int64_t seconds = 0;
  bool trace = false;
};

} // namespace

void add_sim(CLI::App& parent, command_context& context) {
  auto given = make_options<sim_command>();
  auto& command = *parent.add_subcommand(
    "sim", "Simulate nodes under failures; replays from its seed.");
  command.footer(footer);
  command.add_option("--seed", given->options.seed, "Drives everything.")
    ->capture_default_str();
  command
    .add_option("--ops", given->options.operations,
      "Acknowledged client operations to reach.")
    ->capture_default_str();
  command.add_option("--nodes", given->options.nodes, "How many nodes.")
    ->check(CLI::Range(1, 50))
    ->capture_default_str();
  command
    .add_option("--faults", given->faults,
      "What may go wrong with several nodes: all, none, or names.")
    ->capture_default_str();
  command
    .add_option("--seconds", given->seconds,
      "Virtual seconds that several nodes meet faults at least.")
    ->capture_default_str();
  command.add_flag("--groups", given->options.groups,
    "A share group, or one of both protocols, reads from several nodes, too.");
  command.add_flag(
    "--trace", given->trace, "Say everything that the nodes log, on stderr.");
  set_action(command, context, [given] {
    // The nodes' own log lines are part of no trace.
    spdlog::set_level(given->trace ? spdlog::level::debug : spdlog::level::off);
    auto options = given->options;
    auto faults = parse_faults(given->faults);
    if (!faults) {
      std::fprintf(stderr, "%s\n", faults.error().context.c_str());
      return exit_usage;
    }
    options.faults = *faults;
    options.least = given->seconds * sim_second;
    const auto report = run_simulation(options);
    std::printf("%s\n", to_string(report).c_str());
    if (report.ok())
      return exit_ok;
    std::printf("%s\n", replay_line(options).c_str());
    return exit_failed;
  });
}

} // namespace millrace::cli
