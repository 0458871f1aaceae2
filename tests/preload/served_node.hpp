#pragma once

// The real server as a child process, on free ports.

#include "net/endpoint.hpp"
#include "schema/result.hpp"

#include <sys/types.h>

#include <map>
#include <string>

namespace millrace::preload {

struct serve_options {
  std::string binary;
  std::string data;
  /// Where its output goes, appended.
  std::string log;
  std::map<std::string, std::string> environment; ///< besides the own one
};

/// What makes the server write down its calls.
/// @param recorder the library; `root` is the data directory
[[nodiscard]] std::map<std::string, std::string> recorder_environment(
  const std::string& recorder, const std::string& record,
  const std::string& root);

class served_node {
public:
  /// Returns when the server is up. Errors: offline, with the end of its
  /// output, when it ended instead or took too long.
  static result<served_node> start(const serve_options& options);

  served_node(served_node&& other) noexcept;
  served_node& operator=(served_node&&) = delete;
  /// Kills it, if it is still there.
  ~served_node();

  [[nodiscard]] const endpoint& kafka() const {
    return kafka_;
  }
  /// SIGTERM; the exit code, or -1 when a signal ended it.
  int stop();
  /// SIGKILL.
  void kill();

private:
  explicit served_node(pid_t process) : process_(process) {}
  int wait();

  pid_t process_;
  endpoint kafka_;
};

} // namespace millrace::preload
