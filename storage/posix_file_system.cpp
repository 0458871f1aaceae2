#include "storage/posix_file_system.hpp"

#include "storage/posix_file.hpp"
#include "storage/posix_volume_sync.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace millrace {

namespace {

int open_descriptor(const std::string& path, int flags) {
  for (;;) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
    if (descriptor >= 0 || errno != EINTR)
      return descriptor;
  }
}

class posix_directory_lock : public directory_lock {
public:
  explicit posix_directory_lock(int descriptor) : descriptor_(descriptor) {}
  ~posix_directory_lock() override {
    ::close(descriptor_);
  }
  posix_directory_lock(const posix_directory_lock&) = delete;
  posix_directory_lock& operator=(const posix_directory_lock&) = delete;

private:
  int descriptor_;
};

} // namespace

result<std::shared_ptr<file>> posix_file_system::open(
  const std::string& path, open_mode mode) {
  int flags = O_RDWR;
  if (mode == open_mode::read)
    flags = O_RDONLY;
  else if (mode == open_mode::create)
    flags |= O_CREAT;
  else if (mode == open_mode::create_fresh)
    flags |= O_CREAT | O_TRUNC;
  const int descriptor = open_descriptor(path, flags);
  if (descriptor < 0)
    return posix_error(errno, path, "open");
  struct stat about = {};
  const int failed = ::fstat(descriptor, &about) != 0 ? errno
                     : S_ISDIR(about.st_mode)         ? EISDIR
                                                      : 0;
  std::shared_ptr<file> opened
    = std::make_shared<posix_file>(descriptor, path, about.st_dev);
  if (failed != 0)
    return posix_error(failed, path, "open");
  return opened;
}

result<void> posix_file_system::make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0)
    return {}; // most often all that is above it is there
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const auto part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0755) != 0) {
      const int why = errno;
      struct stat about = {};
      // What is there already may answer EROFS or EACCES instead of EEXIST.
      const bool there = ::stat(part.c_str(), &about) == 0;
      if (!there)
        return posix_error(why, part, "make directory");
      if (!S_ISDIR(about.st_mode))
        return posix_error(ENOTDIR, part, "make directory");
    }
    if (end == std::string::npos)
      return {};
  }
}

result<void> posix_file_system::rename(
  const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return posix_error(errno, from, ("rename to " + to).c_str());
  return {};
}

result<void> posix_file_system::remove(const std::string& path) {
  if (std::remove(path.c_str()) != 0)
    return posix_error(errno, path, "remove");
  return {};
}

result<void> posix_file_system::sync_directory(const std::string& path) {
  const int descriptor = open_descriptor(path, O_RDONLY | O_DIRECTORY);
  if (descriptor < 0)
    return posix_error(errno, path, "open directory");
  const int failed = ::fsync(descriptor) != 0 ? errno : 0;
  ::close(descriptor);
  if (failed != 0)
    return posix_error(failed, path, "sync directory");
  return {};
}

result<std::unique_ptr<volume_sync>> posix_file_system::open_volume(
  const std::string& path) {
  if (!posix_volume_sync::supported())
    return std::unique_ptr<volume_sync>{};
  const int descriptor = open_descriptor(path, O_RDONLY | O_DIRECTORY);
  if (descriptor < 0)
    return posix_error(errno, path, "open directory");
  struct stat about = {};
  const int failed = ::fstat(descriptor, &about) != 0 ? errno : 0;
  std::unique_ptr<volume_sync> opened
    = std::make_unique<posix_volume_sync>(descriptor, path, about.st_dev);
  if (failed != 0)
    return posix_error(failed, path, "stat");
  return opened;
}

result<std::vector<directory_entry>> posix_file_system::list(
  const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory{
    ::opendir(path.c_str()), ::closedir};
  if (!directory)
    return posix_error(errno, path, "list");
  std::vector<directory_entry> entries;
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(directory.get());
    if (found == nullptr)
      break;
    const std::string name = found->d_name;
    if (name == "." || name == "..")
      continue;
    struct stat about = {};
    if (::fstatat(::dirfd(directory.get()), name.c_str(), &about, 0) != 0) {
      if (errno == ENOENT)
        continue; // removed meanwhile
      return posix_error(errno, path + "/" + name, "stat");
    }
    const bool is_directory = S_ISDIR(about.st_mode);
    entries.push_back({name, is_directory,
      is_directory ? 0 : static_cast<uint64_t>(about.st_size)});
  }
  if (errno != 0)
    return posix_error(errno, path, "list");
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.name < b.name;
  });
  return entries;
}

bool posix_file_system::exists(const std::string& path) {
  struct stat about = {};
  return ::stat(path.c_str(), &about) == 0;
}

result<space_info> posix_file_system::space(const std::string& path) {
  struct statvfs about = {};
  if (::statvfs(path.c_str(), &about) != 0)
    return posix_error(errno, path, "statvfs");
  return space_info{static_cast<uint64_t>(about.f_blocks) * about.f_frsize,
    static_cast<uint64_t>(about.f_bavail) * about.f_frsize};
}

result<std::unique_ptr<directory_lock>> posix_file_system::lock(
  const std::string& path) {
  const auto name = path + "/.lock";
  const int descriptor = open_descriptor(name, O_RDWR | O_CREAT);
  if (descriptor < 0)
    return posix_error(errno, name, "open");
  std::unique_ptr<directory_lock> held
    = std::make_unique<posix_directory_lock>(descriptor);
  while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR)
      continue;
    if (errno != EWOULDBLOCK)
      return posix_error(errno, name, "lock");
    std::string holder(31, '\0');
    const auto got = ::pread(descriptor, holder.data(), holder.size(), 0);
    holder.resize(got > 0 ? static_cast<size_t>(got) : 0);
    holder = holder.substr(0, holder.find('\n'));
    return error{
      errc::locked, name + ": held by "
                      + (holder.empty() ? std::string{"another process"}
                                        : "process " + holder)};
  }
  const auto self = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor, 0) != 0
      || ::pwrite(descriptor, self.data(), self.size(), 0)
           != static_cast<ssize_t>(self.size()))
    return posix_error(errno, name, "write process id");
  return held;
}

} // namespace millrace
