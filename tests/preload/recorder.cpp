#include "tests/preload/recorder.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace millrace::preload {

namespace {

constexpr int descriptors_max = 1 << 16;
constexpr size_t parts_max = 300; // more than any caller gathers

std::array<std::atomic<descriptor_kind>, descriptors_max> kinds;
std::atomic<uint64_t> last_call{0};

[[noreturn]] void give_up(const char* why) {
  static_cast<void>(::syscall(SYS_write, 2, why, std::strlen(why)));
  std::abort();
}

struct record_file {
  int descriptor = -1;
  std::string root;

  record_file() {
    const char* path = std::getenv(record_variable);
    const char* below = std::getenv(root_variable);
    if (path == nullptr || below == nullptr)
      return;
    root = below;
    // Past the interposed open(), and beyond the numbers that the program
    // itself is going to see.
    const auto opened = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path,
      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    descriptor
      = static_cast<int>(::syscall(SYS_fcntl, opened, F_DUPFD_CLOEXEC, 900));
    ::syscall(SYS_close, opened);
    if (descriptor < 0)
      give_up("recorder: the record cannot be opened\n");
  }
};

const record_file& record() {
  static const record_file opened;
  return opened;
}

/// The first entry of every process.
[[gnu::constructor]] void begin_process() {
  append({.kind = call_kind::process}, {}, nullptr, 0);
}

} // namespace

descriptor_kind kind_of(int descriptor) {
  return descriptor >= 0 && descriptor < descriptors_max
           ? kinds[static_cast<size_t>(descriptor)].load()
           : descriptor_kind::other;
}

void set_kind(int descriptor, descriptor_kind kind) {
  if (descriptor >= descriptors_max)
    give_up("recorder: a descriptor beyond its table\n");
  if (descriptor >= 0)
    kinds[static_cast<size_t>(descriptor)].store(kind);
}

std::string recorded_path(int at, const char* path) {
  const auto& root = record().root;
  if (path == nullptr || root.empty())
    return {};
  std::string whole = path;
  if (whole.empty() || whole.front() != '/') {
    std::array<char, PATH_MAX> base{};
    const auto link = at == AT_FDCWD ? std::string{"/proc/self/cwd"}
                                     : "/proc/self/fd/" + std::to_string(at);
    const auto size = ::readlink(link.c_str(), base.data(), base.size());
    if (size <= 0)
      return {};
    whole = std::string{base.data(), static_cast<size_t>(size)} + "/" + whole;
  }
  const bool below
    = whole.compare(0, root.size(), root) == 0
      && (whole.size() == root.size() || whole[root.size()] == '/');
  return below ? whole : std::string{};
}

void append(entry_head head, const std::string& path, const iovec* parts,
  size_t part_count) {
  const auto& to = record();
  if (to.descriptor < 0)
    return;
  const int kept_errno = errno;
  if (part_count > parts_max)
    give_up("recorder: a call with more parts than expected\n");
  std::array<iovec, parts_max + 2> all; // NOLINT: filled below
  head.path_bytes = static_cast<uint16_t>(path.size());
  size_t data_bytes = 0;
  for (size_t i = 0; i < part_count; ++i) {
    all[i + 2] = parts[i];
    data_bytes += parts[i].iov_len;
  }
  head.data_bytes = static_cast<uint32_t>(data_bytes);
  all[0] = {&head, sizeof head};
  all[1] = {const_cast<char*>(path.data()), path.size()};
  // One appending write: the kernel orders them, so no lock is needed.
  const auto written
    = ::syscall(SYS_writev, to.descriptor, all.data(), part_count + 2);
  if (written != static_cast<long>(sizeof head + path.size() + data_bytes))
    give_up("recorder: the record cannot be written\n");
  errno = kept_errno;
}

recorded_call::recorded_call(entry_head head, const std::string& path,
  const iovec* parts, size_t part_count)
    : head_(head) {
  head_.call = ++last_call;
  append(head_, path, parts, part_count);
}

void recorded_call::end_with(int64_t result, const void* data, size_t size) {
  head_.phase = call_phase::end;
  head_.result = result;
  const iovec part{const_cast<void*>(data), size};
  append(head_, {}, &part, size > 0 ? 1 : 0);
}

} // namespace millrace::preload
