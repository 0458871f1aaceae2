// The interposed calls on files and names. Each passes on to the system's.
#include "tests/preload/recorder.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>

using namespace millrace::preload; // NOLINT: what follows is C's namespace

namespace {

bool is_file(int descriptor) {
  return kind_of(descriptor) == descriptor_kind::file;
}

/// Opens through `call`, and remembers the descriptor of a recorded file.
template <class Call>
int open_recorded(int at, const char* path, int flags, Call call) {
  const auto name = recorded_path(at, path);
  if (name.empty()) {
    const int opened = call();
    set_kind(opened, descriptor_kind::other);
    return opened;
  }
  recorded_call recorded{{.kind = call_kind::open, .flags = flags}, name};
  const int opened = call();
  set_kind(opened, descriptor_kind::file);
  return recorded.end(opened);
}

mode_t mode_of(int flags, va_list& more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
}

/// Writes where the descriptor stands, as LMDB does after lseek().
template <class Call>
ssize_t write_here(int fd, const iovec* parts, int count, Call call) {
  const auto position = static_cast<int64_t>(::lseek(
    fd, 0, (::fcntl(fd, F_GETFL) & O_APPEND) != 0 ? SEEK_END : SEEK_CUR));
  recorded_call recorded{
    {.kind = call_kind::write, .descriptor = fd, .position = position}, {},
    parts, static_cast<size_t>(count)};
  return recorded.end(call());
}

template <class Call>
ssize_t write_at(
  int fd, const iovec* parts, int count, off_t position, Call call) {
  if (!is_file(fd))
    return call();
  recorded_call recorded{
    {.kind = call_kind::write, .descriptor = fd, .position = position}, {},
    parts, static_cast<size_t>(count)};
  return recorded.end(call());
}

template <class Call>
ssize_t send_bytes(int fd, const iovec* parts, int count, Call call) {
  recorded_call recorded{{.kind = call_kind::send, .descriptor = fd}, {}, parts,
    static_cast<size_t>(count)};
  return recorded.end(call());
}

template <class Call>
int sync_file(int fd, Call call) {
  if (!is_file(fd))
    return call();
  recorded_call recorded{{.kind = call_kind::sync, .descriptor = fd}};
  return recorded.end(call());
}

/// A call on one name.
template <class Call>
int change_name(call_kind kind, int at, const char* path, Call call) {
  const auto name = recorded_path(at, path);
  if (name.empty())
    return call();
  recorded_call recorded{{.kind = kind}, name};
  return recorded.end(call());
}

/// A call on two names. One outside the root stays empty.
template <class Call>
int change_names(call_kind kind, int from_at, const char* from, int to_at,
  const char* to, Call call) {
  const auto first = recorded_path(from_at, from);
  const auto second = recorded_path(to_at, to);
  if (first.empty() && second.empty())
    return call();
  recorded_call recorded{{.kind = kind}, first + '\0' + second};
  return recorded.end(call());
}

template <class Call>
int duplicate(int fd, Call call) {
  if (kind_of(fd) == descriptor_kind::other)
    return call();
  recorded_call recorded{{.kind = call_kind::duplicate, .descriptor = fd}};
  const int copy = call();
  set_kind(copy, kind_of(fd));
  return recorded.end(copy);
}

} // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  MILLRACE_NEXT(open);
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_recorded(AT_FDCWD, path, flags, [&] {
    return next(path, flags, mode);
  });
}

int open64(const char* path, int flags, ...) {
  MILLRACE_NEXT(open64);
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_recorded(AT_FDCWD, path, flags, [&] {
    return next(path, flags, mode);
  });
}

int openat(int at, const char* path, int flags, ...) {
  MILLRACE_NEXT(openat);
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_recorded(at, path, flags, [&] {
    return next(at, path, flags, mode);
  });
}

int openat64(int at, const char* path, int flags, ...) {
  MILLRACE_NEXT(openat64);
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_recorded(at, path, flags, [&] {
    return next(at, path, flags, mode);
  });
}

int creat(const char* path, mode_t mode) {
  MILLRACE_NEXT(creat);
  return open_recorded(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, [&] {
    return next(path, mode);
  });
}

int close(int fd) {
  MILLRACE_NEXT(close);
  // Recorded before the call only: the number may be another file's at once.
  if (kind_of(fd) != descriptor_kind::other) {
    recorded_call recorded{{.kind = call_kind::close, .descriptor = fd}};
    set_kind(fd, descriptor_kind::other);
  }
  return next(fd);
}

int dup(int fd) noexcept {
  MILLRACE_NEXT(dup);
  return duplicate(fd, [&] {
    return next(fd);
  });
}

int dup2(int fd, int to) noexcept {
  MILLRACE_NEXT(dup2);
  return duplicate(fd, [&] {
    return next(fd, to);
  });
}

int dup3(int fd, int to, int flags) noexcept {
  MILLRACE_NEXT(dup3);
  return duplicate(fd, [&] {
    return next(fd, to, flags);
  });
}

ssize_t write(int fd, const void* data, size_t size) {
  MILLRACE_NEXT(write);
  const iovec part{const_cast<void*>(data), size};
  const auto call = [&] {
    return next(fd, data, size);
  };
  if (is_file(fd))
    return write_here(fd, &part, 1, call);
  if (kind_of(fd) == descriptor_kind::socket)
    return send_bytes(fd, &part, 1, call);
  return call();
}

ssize_t writev(int fd, const iovec* parts, int count) {
  MILLRACE_NEXT(writev);
  const auto call = [&] {
    return next(fd, parts, count);
  };
  if (is_file(fd))
    return write_here(fd, parts, count, call);
  if (kind_of(fd) == descriptor_kind::socket)
    return send_bytes(fd, parts, count, call);
  return call();
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t position) {
  MILLRACE_NEXT(pwrite);
  const iovec part{const_cast<void*>(data), size};
  return write_at(fd, &part, 1, position, [&] {
    return next(fd, data, size, position);
  });
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t position) {
  return pwrite(fd, data, size, position);
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t position) {
  MILLRACE_NEXT(pwritev);
  return write_at(fd, parts, count, position, [&] {
    return next(fd, parts, count, position);
  });
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t position) {
  return pwritev(fd, parts, count, position);
}

ssize_t pwritev2(
  int fd, const iovec* parts, int count, off_t position, int flags) {
  MILLRACE_NEXT(pwritev2);
  return write_at(fd, parts, count, position, [&] {
    return next(fd, parts, count, position, flags);
  });
}

int ftruncate(int fd, off_t size) noexcept {
  MILLRACE_NEXT(ftruncate);
  if (!is_file(fd))
    return next(fd, size);
  recorded_call recorded{
    {.kind = call_kind::truncate, .descriptor = fd, .position = size}};
  return recorded.end(next(fd, size));
}

int ftruncate64(int fd, off64_t size) noexcept {
  return ftruncate(fd, size);
}

int fallocate(int fd, int mode, off_t position, off_t size) {
  MILLRACE_NEXT(fallocate);
  if (!is_file(fd))
    return next(fd, mode, position, size);
  recorded_call recorded{{.kind = call_kind::allocate,
    .descriptor = fd,
    .flags = mode,
    .position = position,
    .size = size}};
  return recorded.end(next(fd, mode, position, size));
}

int fallocate64(int fd, int mode, off64_t position, off64_t size) {
  return fallocate(fd, mode, position, size);
}

int posix_fallocate(int fd, off_t position, off_t size) {
  return fallocate(fd, 0, position, size);
}

int fsync(int fd) {
  MILLRACE_NEXT(fsync);
  return sync_file(fd, [&] {
    return next(fd);
  });
}

int fdatasync(int fd) {
  MILLRACE_NEXT(fdatasync);
  return sync_file(fd, [&] {
    return next(fd);
  });
}

int syncfs(int fd) noexcept {
  MILLRACE_NEXT(syncfs);
  recorded_call recorded{{.kind = call_kind::sync_all, .descriptor = fd}};
  return recorded.end(next(fd));
}

// sync_file_range() makes nothing durable, so it is not interposed; neither
// is msync(), as a mapping that is written to is refused by the checker.
void* mmap(
  void* at, size_t size, int access, int flags, int fd, off_t from) noexcept {
  MILLRACE_NEXT(mmap);
  if (is_file(fd) && (access & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0)
    recorded_call recorded{
      {.kind = call_kind::map_shared, .descriptor = fd, .flags = flags}};
  return next(at, size, access, flags, fd, from);
}

int rename(const char* from, const char* to) noexcept {
  MILLRACE_NEXT(rename);
  return change_names(call_kind::rename, AT_FDCWD, from, AT_FDCWD, to, [&] {
    return next(from, to);
  });
}

int renameat(
  int from_at, const char* from, int to_at, const char* to) noexcept {
  MILLRACE_NEXT(renameat);
  return change_names(call_kind::rename, from_at, from, to_at, to, [&] {
    return next(from_at, from, to_at, to);
  });
}

int link(const char* from, const char* to) noexcept {
  MILLRACE_NEXT(link);
  return change_names(call_kind::link, AT_FDCWD, from, AT_FDCWD, to, [&] {
    return next(from, to);
  });
}

int unlink(const char* path) noexcept {
  MILLRACE_NEXT(unlink);
  return change_name(call_kind::unlink, AT_FDCWD, path, [&] {
    return next(path);
  });
}

int unlinkat(int at, const char* path, int flags) noexcept {
  MILLRACE_NEXT(unlinkat);
  return change_name(call_kind::unlink, at, path, [&] {
    return next(at, path, flags);
  });
}

int rmdir(const char* path) noexcept {
  MILLRACE_NEXT(rmdir);
  return change_name(call_kind::unlink, AT_FDCWD, path, [&] {
    return next(path);
  });
}

// The system's own calls unlink() inside, where it cannot be interposed.
int remove(const char* path) noexcept {
  MILLRACE_NEXT(remove);
  return change_name(call_kind::unlink, AT_FDCWD, path, [&] {
    return next(path);
  });
}

int mkdir(const char* path, mode_t mode) noexcept {
  MILLRACE_NEXT(mkdir);
  return change_name(call_kind::mkdir, AT_FDCWD, path, [&] {
    return next(path, mode);
  });
}

int mkdirat(int at, const char* path, mode_t mode) noexcept {
  MILLRACE_NEXT(mkdirat);
  return change_name(call_kind::mkdir, at, path, [&] {
    return next(at, path, mode);
  });
}

} // extern "C"
