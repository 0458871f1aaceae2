#include "tests/preload/served_node.hpp"

#include "apps/client/clock.hpp"
#include "net/descriptor.hpp"
#include "tests/preload/recorder_format.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <iterator>
#include <vector>

namespace millrace::preload {

namespace {

constexpr int64_t start_ms_max = 60'000;

[[noreturn]] void run_server(const serve_options& options, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL); // nothing outlives the test
  const int log
    = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(output, 1);
  ::dup2(log, 2);
  for (const auto& [name, value] : options.environment)
    ::setenv(name.c_str(), value.c_str(), 1);
  // Few partitions of the offsets' topic keep recovery short.
  const char* words[] = {options.binary.c_str(), "serve", "--data-dir",
    options.data.c_str(), "--kafka", "127.0.0.1:0", "--http", "off", "--set",
    "offsets.topic.num.partitions=3", nullptr};
  ::execv(words[0], const_cast<char**>(words));
  ::_exit(127);
}

std::string end_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  const std::string all{std::istreambuf_iterator<char>{in}, {}};
  return all.size() > 1500 ? all.substr(all.size() - 1500) : all;
}

/// Reads the greeting up to the address of the Kafka port.
result<endpoint> read_address(int output) {
  constexpr std::string_view before = "  Kafka    ";
  std::string text;
  const auto deadline = client::steady_ms() + start_ms_max;
  while (true) {
    const auto begin = text.find(before);
    const auto end
      = begin == std::string::npos ? begin : text.find('\n', begin);
    if (end != std::string::npos)
      return parse_endpoint(
        text.substr(begin + before.size(), end - begin - before.size()), 0);
    pollfd wanted{output, POLLIN, 0};
    const auto left = std::max<int64_t>(deadline - client::steady_ms(), 0);
    std::array<char, 4096> part{};
    if (::poll(&wanted, 1, static_cast<int>(left)) <= 0)
      return error{errc::offline, "the server did not start in time"};
    const auto got = ::read(output, part.data(), part.size());
    if (got <= 0)
      return error{errc::offline, "the server ended"};
    text.append(part.data(), static_cast<size_t>(got));
  }
}

} // namespace

std::map<std::string, std::string> recorder_environment(
  const std::string& recorder, const std::string& record,
  const std::string& root) {
  return {
    {"LD_PRELOAD", recorder}, {record_variable, record}, {root_variable, root}};
}

result<served_node> served_node::start(const serve_options& options) {
  std::array<int, 2> pipe{};
  MILLRACE_ASSERT(::pipe2(pipe.data(), O_CLOEXEC) == 0, "there is a pipe");
  const descriptor read_end{pipe[0]};
  descriptor write_end{pipe[1]};
  const pid_t process = ::fork();
  MILLRACE_ASSERT(process >= 0, "there is room for a process");
  if (process == 0)
    run_server(options, write_end.get());
  served_node node{process};
  write_end = descriptor{};
  auto address = read_address(read_end.get());
  if (!address)
    return error{
      errc::offline, address.error().context + ":\n" + end_of(options.log)};
  node.kafka_ = *address;
  return node;
}

served_node::served_node(served_node&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      kafka_(std::move(other.kafka_)) {}

served_node::~served_node() {
  kill();
}

int served_node::wait() {
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR)
    continue;
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int served_node::stop() {
  if (process_ < 0)
    return -1;
  ::kill(process_, SIGTERM);
  return wait();
}

void served_node::kill() {
  if (process_ < 0)
    return;
  ::kill(process_, SIGKILL);
  wait();
}

} // namespace millrace::preload
