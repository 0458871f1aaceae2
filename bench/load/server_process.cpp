#include "bench/load/server_process.hpp"

#include "bench/load/connection.hpp"

#include <cerrno>
#include <ctime>
#include <fstream>
#include <string>

namespace millrace::bench {

double server_process::cpu_seconds() const {
  if (pid_ == 0)
    return 0;
  clockid_t clock = 0;
  errno = clock_getcpuclockid(pid_, &clock);
  timespec used{};
  if (errno != 0 || clock_gettime(clock, &used) != 0)
    give_up("the server's processor time");
  return static_cast<double>(used.tv_sec)
         + static_cast<double>(used.tv_nsec) / 1e9;
}

long server_process::resident_kib() const {
  if (pid_ == 0)
    return 0;
  std::ifstream status{"/proc/" + std::to_string(pid_) + "/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:"))
      return std::stol(line.substr(6));
  give_up("the server's resident memory");
}

} // namespace millrace::bench
