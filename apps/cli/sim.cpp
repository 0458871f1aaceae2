#include "apps/cli/sim.hpp"

#include "simulation/sim_run.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>

namespace millrace::cli {

namespace {

constexpr const char* footer = R"(
Runs a whole node (the production actors) under a simulated disk, network and
clock, all driven by one seed, while clients produce, fetch and commit offsets
and the power fails. It ends with one line; the same seed gives the same line.

Examples:
  millrace sim --seed 7
  millrace sim --seed 7 --ops 5000)";

} // namespace

void add_sim(CLI::App& parent, command_context& context) {
  auto options = make_options<sim_options>();
  auto& command = *parent.add_subcommand(
    "sim", "Simulate a node under failures; replays from its seed.");
  command.footer(footer);
  command.add_option("--seed", options->seed, "Drives everything.")
    ->capture_default_str();
  command
    .add_option(
      "--ops", options->operations, "Acknowledged client operations to reach.")
    ->capture_default_str();
  set_action(command, context, [options] {
    // The node's own log lines are part of no trace.
    spdlog::set_level(spdlog::level::off);
    const auto report = run_simulation(*options);
    std::printf("%s\n", to_string(report).c_str());
    return report.ok() ? exit_ok : exit_failed;
  });
}

} // namespace millrace::cli
