#pragma once

// Processes of this very program, which end when it does.

#include "schema/result.hpp"

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace millrace::cli {

class child_processes {
public:
  child_processes() = default;
  /// Kills those that still run.
  ~child_processes();
  child_processes(const child_processes&) = delete;
  child_processes& operator=(const child_processes&) = delete;

  /// Starts `millrace WORDS...` in a process group of its own, so that
  /// Ctrl-C reaches this program alone; its output goes to the end of `log`.
  /// It is sent SIGTERM when this program dies.
  /// Errors: io_error.
  [[nodiscard]] result<pid_t> start(
    const std::vector<std::string>& words, const std::string& log);

  struct ended {
    pid_t pid = 0;
    int status = 0; ///< as wait() gives it
  };
  /// One that has ended since the last call.
  [[nodiscard]] std::optional<ended> take_ended();

  [[nodiscard]] bool any() const {
    return !running_.empty();
  }
  void signal_all(int signal) const;

private:
  std::vector<pid_t> running_;
};

/// `it was killed by signal 9`, `exit code 1`
[[nodiscard]] std::string how_it_ended(int status);

} // namespace millrace::cli
