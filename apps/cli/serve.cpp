#include "apps/cli/serve.hpp"

#include "actors/node.hpp"
#include "apps/cli/logging.hpp"
#include "net/endpoint.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>

namespace millrace::cli {
namespace {

/// An actor that the node needs has died.
constexpr int failure_signal = SIGUSR1;

/// Blocks the signals that run_serve() waits for in this thread and those
/// that it starts.
sigset_t block_signals() {
  sigset_t waited;
  sigemptyset(&waited);
  sigaddset(&waited, SIGINT);
  sigaddset(&waited, SIGTERM);
  sigaddset(&waited, failure_signal);
  ::pthread_sigmask(SIG_BLOCK, &waited, nullptr);
  return waited;
}

/// Whether it was the node that sent the signal.
std::atomic<bool> node_failed{false};

using actors_ptr = std::shared_ptr<const custom_deployments>;

result<std::unique_ptr<node>> start_node(
  const node_config& config, const actors_ptr& actors) {
  node_failed = false;
  return node::start(
    config,
    [] {
      node_failed = true;
      ::kill(::getpid(), failure_signal);
    },
    actors);
}

/// Starts from the disk again, as often as it takes. Null: a stop was asked
/// for meanwhile, `signal` is which; or it is of no use, which is logged.
std::unique_ptr<node> restart(const node_config& config,
  const actors_ptr& actors, const sigset_t& waited, int& signal) {
  constexpr time_t longest_pause_s = 10;
  for (timespec pause{1, 0};;
    pause.tv_sec = std::min(pause.tv_sec * 2, longest_pause_s)) {
    signal = ::sigtimedwait(&waited, nullptr, &pause);
    if (signal == SIGINT || signal == SIGTERM)
      return nullptr;
    auto started = start_node(config, actors);
    if (started) {
      spdlog::info("started again from the disk");
      return std::move(*started);
    }
    if (started.error().code == errc::invalid_argument) {
      spdlog::error("the node cannot start again: {}", started.error().context);
      return nullptr; // it will not be otherwise
    }
    spdlog::error("the node cannot start again: {}; it is tried again",
      to_string(started.error()));
  }
}

/// The ports that were found at the first start are kept.
node_config with_ports_of(const node& running, node_config config) {
  const auto keep = [](auto& listeners, const auto& addresses) {
    for (size_t i = 0; i < listeners.size() && i < addresses.size(); ++i)
      if (const auto at = parse_endpoint(addresses[i], 0); at)
        listeners[i].port = at->port;
  };
  keep(config.listeners, running.kafka_addresses());
  keep(config.http_listeners, running.http_addresses());
  if (auto nodes = parse_endpoint(running.cluster_address(), 0);
    nodes && config.cluster_listener)
    config.cluster_listener->port = nodes->port;
  return config;
}

/// Paths as tools that are started elsewhere can name them.
node_config with_absolute_paths(node_config config) {
  for (auto& path : config.log_dirs)
    path = std::filesystem::absolute(path).lexically_normal().string();
  return config;
}

} // namespace

int run_serve(
  const node_config& wanted, const serve_options& options, actors_ptr actors) {
  const auto config = with_absolute_paths(wanted);
  set_up_logging(options.log_format, options.log_level);
  // Before the node's threads are there: they inherit it.
  const sigset_t waited = block_signals();
  auto started = start_node(config, actors);
  if (!started)
    return report(started.error());
  auto running = std::move(*started);
  const auto bound = with_ports_of(*running, config);
  if (!options.quiet) {
    print(greeting(running->kafka_addresses(), running->http_addresses(),
      running->cluster_address(), running->data_directory_path(),
      running->cluster_id()));
    std::fflush(stdout);
  }
  int signal = 0;
  for (;;) {
    ::sigwait(&waited, &signal);
    if (signal != failure_signal)
      break;
    if (!node_failed)
      continue; // somebody else's, and of no meaning here
    running->stop();
    running.reset();
    running = restart(bound, actors, waited, signal);
    if (running == nullptr)
      break;
  }
  if (running == nullptr && signal != SIGINT && signal != SIGTERM)
    return exit_failed;
  spdlog::info("stopping after {}; once more kills",
    signal == SIGINT ? "Ctrl-C" : "SIGTERM");
  // The handlers are the system's own: a second one ends the process.
  ::pthread_sigmask(SIG_UNBLOCK, &waited, nullptr);
  if (running == nullptr || !running->stop()) {
    spdlog::warn("stopped, but not cleanly: the next start recovers");
    return exit_failed;
  }
  spdlog::info("stopped");
  return exit_ok;
}

} // namespace millrace::cli
