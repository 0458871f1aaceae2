#include "apps/cli/new_file.hpp"

#include "net/system_error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace millrace::cli {

result<void> write_new(
  const std::string& path, const std::string& text, mode_t mode) {
  const int fd
    = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST)
    return error{errc::already_exists, path + " is there already"};
  if (fd < 0)
    return system_error_of(errno, path);
  const auto written = ::write(fd, text.data(), text.size());
  const int number = written < 0 ? errno : ENOSPC;
  if (::close(fd) != 0 || written != static_cast<ssize_t>(text.size()))
    return system_error_of(number, path);
  return {};
}

result<std::string> read_whole(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    return system_error_of(errno, path);
  return text.str();
}

} // namespace millrace::cli
