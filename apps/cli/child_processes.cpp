#include "apps/cli/child_processes.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

namespace millrace::cli {
namespace {

constexpr int exit_not_started = 127;

/// By its real name, which is what lists of processes show.
std::string this_program() {
  char path[PATH_MAX];
  const auto size = ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<size_t>(size))
                  : "/proc/self/exe";
}

/// In the child, between fork and exec: system calls only.
[[noreturn]] void become(
  const char* program, char* const* words, int log, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent)
    ::_exit(exit_not_started); // it died before it could be watched
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv(program, words);
  ::_exit(exit_not_started);
}

} // namespace

child_processes::~child_processes() {
  signal_all(SIGKILL);
  for (const auto pid : running_)
    ::waitpid(pid, nullptr, 0);
}

result<pid_t> child_processes::start(
  const std::vector<std::string>& words, const std::string& log) {
  const int file
    = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0)
    return error{
      errc::io_error, "cannot write to " + log + ": " + std::strerror(errno)};
  std::string name = "millrace";
  std::vector<std::string> copies = words;
  std::vector<char*> all{name.data()};
  for (auto& word : copies)
    all.push_back(word.data());
  all.push_back(nullptr);
  const auto program = this_program();
  const auto self = ::getpid();
  const auto pid = ::fork();
  if (pid == 0)
    become(program.c_str(), all.data(), file, self);
  const int why = errno;
  ::close(file);
  if (pid < 0)
    return error{errc::io_error,
      std::string{"cannot start a process: "} + std::strerror(why)};
  running_.push_back(pid);
  return pid;
}

std::optional<child_processes::ended> child_processes::take_ended() {
  for (auto at = running_.begin(); at != running_.end(); ++at) {
    int status = 0;
    const auto pid = ::waitpid(*at, &status, WNOHANG);
    if (pid != *at)
      continue;
    running_.erase(at);
    return ended{pid, status};
  }
  return std::nullopt;
}

void child_processes::signal_all(int signal) const {
  for (const auto pid : running_)
    ::kill(pid, signal);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status))
    return "it was killed by signal " + std::to_string(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

} // namespace millrace::cli
