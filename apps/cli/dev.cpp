#include "apps/cli/child_processes.hpp"
#include "apps/cli/command.hpp"
#include "apps/cli/dev_plan.hpp"
#include "net/listening.hpp"
#include "schema/types.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace millrace::cli {
namespace {

constexpr int start_timeout_s = 60;
constexpr int stop_timeout_s = 30;

bool can_listen(uint16_t port) {
  return open_listening({"localhost", port}, {}).ok();
}

result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    return error{
      errc::io_error, "cannot make " + path + ": " + std::strerror(errno)};
  return {};
}

/// Which nodes a cluster has is kept on its disks: it cannot be started as
/// one of another size.
result<void> check_size(const dev_options& options) {
  int there = 0;
  const auto has = [&](int id) {
    return ::access((options.data_dir + "/" + std::to_string(id)).c_str(), F_OK)
           == 0;
  };
  while (has(there + 1))
    ++there;
  if (there == 0 || there == options.nodes)
    return {};
  return error{errc::invalid_argument,
    options.data_dir + " holds a cluster of " + std::to_string(there)
      + " nodes: use --nodes " + std::to_string(there)
      + ", or another --data-dir"};
}

/// A cluster is named after its controllers' addresses unless it is given an
/// id; here the ports may be others at the next start.
result<std::string> kept_cluster_id(const std::string& data_dir) {
  const auto path = data_dir + "/cluster.id";
  std::string id;
  if (std::ifstream kept{path}; kept >> id)
    return id;
  uuid fresh;
  std::ifstream random{"/dev/urandom", std::ios::binary};
  random.read(reinterpret_cast<char*>(&fresh), sizeof fresh);
  id = to_string(fresh);
  std::ofstream file{path};
  file << id << "\n";
  file.close();
  if (!random || !file)
    return error{errc::io_error, "cannot write " + path};
  return id;
}

std::string last_lines(const std::string& path) {
  constexpr size_t kept_max = 5;
  std::ifstream file{path};
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
    if (lines.size() > kept_max)
      lines.erase(lines.begin());
  }
  std::string text;
  for (const auto& line : lines)
    text += "  " + line + "\n";
  return text;
}

/// The nodes of `millrace dev`, from the first start to the end.
class dev_cluster {
public:
  dev_cluster(const dev_options& options, std::vector<dev_node> nodes)
      : options_(options), nodes_(std::move(nodes)), pids_(nodes_.size()) {}

  int run() {
    // Before the first child: none of them may end unseen.
    sigemptyset(&waited_);
    for (const int signal : {SIGINT, SIGTERM, SIGCHLD})
      sigaddset(&waited_, signal);
    ::sigprocmask(SIG_BLOCK, &waited_, nullptr);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      auto started
        = children_.start(serve_words(options_, nodes_, i), nodes_[i].log);
      if (!started)
        return report(started.error());
      pids_[i] = *started;
      // For whoever wants to kill it.
      std::ofstream{
        options_.data_dir + "/" + std::to_string(nodes_[i].id) + ".pid"}
        << *started << "\n";
    }
    const int code = await_all();
    if (code != exit_ok || stopping_)
      return stopping_ ? stop() : code;
    print(welcome());
    std::fflush(stdout);
    watch();
    if (!stopping_)
      return report({errc::io_error,
        "no node is left; their logs are in " + options_.data_dir});
    return stop();
  }

private:
  /// Until every node knows all the others.
  int await_all() {
    for (int tries = 0; tries < start_timeout_s * 10; ++tries) {
      wait_for_signal(100);
      if (stopping_)
        return exit_ok;
      if (const auto gone = children_.take_ended())
        return report(
          {errc::io_error, "node " + name_of(gone->pid)
                             + " did not start: " + how_it_ended(gone->status)
                             + "\n" + last_lines(log_of(gone->pid))});
      bool all = true;
      for (const auto& node : nodes_)
        all = all && knows_all(node);
      if (all)
        return exit_ok;
    }
    return report({errc::offline, "the nodes did not find each other within "
                                    + std::to_string(start_timeout_s)
                                    + " s; what they say is in "
                                    + options_.data_dir + "/*.log"});
  }

  bool knows_all(const dev_node& node) const {
    client::cluster one{
      {.bootstrap = {node.kafka}, .client_id = "dev", .timeout_ms = 500}};
    auto known = one.fetch_topics(std::vector<std::string>{});
    return known && one.brokers().size() == nodes_.size();
  }

  /// Returns when it is time to stop, or nobody is left.
  void watch() {
    while (!stopping_ && children_.any()) {
      wait_for_signal(-1);
      while (const auto gone = children_.take_ended())
        if (!stopping_)
          tell_end(*gone);
    }
  }

  void tell_end(const child_processes::ended& gone) const {
    const auto index = index_of(gone.pid);
    std::string command = "millrace";
    for (const auto& word : serve_words(options_, nodes_, index))
      command += " " + word;
    print("node " + name_of(gone.pid)
          + " has ended: " + how_it_ended(gone.status)
          + "; the others go on. It comes back with\n  " + command + "\n");
    std::fflush(stdout);
  }

  int stop() {
    children_.signal_all(SIGTERM);
    bool clean = true;
    stopping_ = false;
    for (int waited = 0; children_.any() && waited < stop_timeout_s * 10;
      ++waited) {
      wait_for_signal(100);
      while (const auto gone = children_.take_ended())
        clean
          = clean && WIFEXITED(gone->status) && WEXITSTATUS(gone->status) == 0;
      if (stopping_) // a second Ctrl-C
        break;
    }
    if (children_.any() || !clean)
      return report({errc::io_error,
        "not every node has stopped cleanly: the next start recovers"});
    return exit_ok;
  }

  /// @param timeout_ms -1: without end
  void wait_for_signal(int timeout_ms) {
    const timespec timeout{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
    const int signal = timeout_ms < 0
                         ? ::sigwaitinfo(&waited_, nullptr)
                         : ::sigtimedwait(&waited_, nullptr, &timeout);
    stopping_ = stopping_ || signal == SIGINT || signal == SIGTERM;
  }

  size_t index_of(pid_t pid) const {
    size_t i = 0;
    while (i + 1 < pids_.size() && pids_[i] != pid)
      ++i;
    return i;
  }
  std::string name_of(pid_t pid) const {
    return std::to_string(nodes_[index_of(pid)].id);
  }
  const std::string& log_of(pid_t pid) const {
    return nodes_[index_of(pid)].log;
  }

  std::string welcome() const {
    std::string out = "Millrace " MILLRACE_VERSION ": "
                      + std::to_string(nodes_.size()) + " nodes are up.\n";
    out += "  bootstrap  " + bootstrap_of(nodes_) + "\n";
    for (size_t i = 0; i < nodes_.size(); ++i)
      out += "  node " + std::to_string(nodes_[i].id) + "     "
             + nodes_[i].kafka.to_string() + "  http://"
             + nodes_[i].http.to_string() + "  process "
             + std::to_string(pids_[i]) + "\n";
    out += "  data       " + options_.data_dir
           + " (for each node a directory and a log)\n\n";
    const auto first = nodes_.front().kafka;
    const std::string at = first.port == 9092 ? "" : " -b " + first.to_string();
    out += "Try it, in another terminal:\n";
    out += "  echo hello | millrace produce greetings" + at + "\n";
    out += "  kill -9 " + std::to_string(pids_.back()) + "\n";
    out += "  millrace consume greetings -e" + at + "\n";
    out += "  millrace cluster status" + at + "\n\n";
    return out + "Ctrl-C stops them all.\n";
  }

  dev_options options_;
  std::vector<dev_node> nodes_;
  std::vector<pid_t> pids_;
  child_processes children_;
  sigset_t waited_{};
  bool stopping_ = false;
};

int run_dev(dev_options options) {
  auto nodes = plan_dev_nodes(options, can_listen);
  if (!nodes)
    return report(nodes.error());
  if (auto fits = check_size(options); !fits)
    return report(fits.error());
  if (auto made = make_directory(options.data_dir); !made)
    return report(made.error());
  auto id = kept_cluster_id(options.data_dir);
  if (!id)
    return report(id.error());
  options.cluster_id = *id;
  return dev_cluster{options, std::move(*nodes)}.run();
}

constexpr const char* footer = R"(
Starts so many nodes as one cluster on this machine, each a process of its
own, and prints how to reach them. Data and logs are below one directory, and
the same command takes them up again. A node that is killed stays away until
it is started again; its command is printed then. Ctrl-C stops all of them.

Examples:
  millrace dev
  millrace dev --nodes 5 --data-dir /tmp/five
  millrace dev --port 19092 --set num.partitions=6)";

} // namespace

void add_dev(CLI::App& parent, command_context& context) {
  auto options = make_options<dev_options>();
  auto& command
    = *parent.add_subcommand("dev", "Run a whole cluster on this machine");
  command.add_option("--nodes", options->nodes, "How many")
    ->capture_default_str();
  command
    .add_option("--data-dir", options->data_dir, "Where all of them keep data")
    ->type_name("DIR")
    ->capture_default_str();
  command
    .add_option("--port", options->port,
      "The first one for Kafka's clients; those that are taken are left out")
    ->capture_default_str();
  command
    .add_option("--set", options->set,
      "One key for every node, KEY=VALUE; may be repeated")
    ->allow_extra_args(false);
  command.footer(footer);
  set_action(command, context, [options] {
    return run_dev(*options);
  });
}

} // namespace millrace::cli
