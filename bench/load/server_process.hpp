#pragma once

// What the process under load has used, read from the system.

#include <sys/types.h>

namespace millrace::bench {

class server_process {
public:
  /// @param pid of a process of this user; 0 measures nothing
  explicit server_process(pid_t pid) : pid_(pid) {}

  /// Seconds of processor time of all its threads, also of those that ended.
  [[nodiscard]] double cpu_seconds() const;
  /// Resident memory in KiB.
  [[nodiscard]] long resident_kib() const;

private:
  pid_t pid_;
};

} // namespace millrace::bench
