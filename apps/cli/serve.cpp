#include "apps/cli/serve.hpp"

#include "actors/node.hpp"
#include "apps/cli/logging.hpp"

#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>

namespace millrace::cli {
namespace {

/// Blocks SIGINT and SIGTERM in this thread and those that it starts.
sigset_t block_stop_signals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return stop;
}

} // namespace

int run_serve(const node_config& config, const serve_options& options) {
  set_up_logging(options.log_format, options.log_level);
  // Before the node's threads are there: they inherit it.
  const sigset_t stop = block_stop_signals();
  auto started = node::start(config);
  if (!started)
    return report(started.error());
  auto& running = **started;
  if (!options.quiet) {
    print(greeting(running.kafka_addresses(), running.http_addresses(),
      running.data_directory_path(), running.cluster_id()));
    std::fflush(stdout);
  }
  int signal = 0;
  ::sigwait(&stop, &signal);
  spdlog::info("stopping after {}; once more kills",
    signal == SIGINT ? "Ctrl-C" : "SIGTERM");
  // The handlers are the system's own: a second one ends the process.
  ::pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
  if (!running.stop()) {
    spdlog::warn("stopped, but not cleanly: the next start recovers");
    return exit_failed;
  }
  spdlog::info("stopped");
  return exit_ok;
}

} // namespace millrace::cli
