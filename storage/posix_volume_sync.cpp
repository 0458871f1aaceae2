#include "storage/posix_volume_sync.hpp"

#include "storage/posix_file_system.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

namespace millrace {

bool posix_volume_sync::supported() {
  utsname about = {};
  int major = 0;
  int minor = 0;
  if (::uname(&about) != 0 || std::string_view{about.sysname} != "Linux"
      || std::sscanf(about.release, "%d.%d", &major, &minor) != 2)
    return false;
  return std::pair{major, minor} >= std::pair{5, 8};
}

posix_volume_sync::posix_volume_sync(
  int descriptor, std::string path, uint64_t device)
    : descriptor_(descriptor), path_(std::move(path)), device_(device) {}

posix_volume_sync::~posix_volume_sync() {
  ::close(descriptor_);
}

uint64_t posix_volume_sync::device() const {
  return device_;
}

result<void> posix_volume_sync::run() {
  // Not repeated after an error, as with fdatasync.
  if (::syncfs(descriptor_) != 0)
    return posix_error(errno, path_, "syncfs");
  return {};
}

} // namespace millrace
