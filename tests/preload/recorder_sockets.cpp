// The interposed calls on connections that the server has accepted.
#include "tests/preload/recorder.hpp"

#include <sys/sendfile.h>
#include <sys/socket.h>

using namespace millrace::preload; // NOLINT: what follows is C's namespace

namespace {

bool is_socket(int descriptor) {
  return kind_of(descriptor) == descriptor_kind::socket;
}

template <class Call>
int accept_recorded(Call call) {
  // The number is known only afterwards, and nobody else knows it yet.
  const int made = call();
  if (made < 0)
    return made;
  set_kind(made, descriptor_kind::socket);
  append({.kind = call_kind::accept,
           .phase = call_phase::end,
           .descriptor = made,
           .result = made},
    {}, nullptr, 0);
  return made;
}

} // namespace

extern "C" {

int accept(int fd, sockaddr* from, socklen_t* size) {
  MILLRACE_NEXT(accept);
  return accept_recorded([&] {
    return next(fd, from, size);
  });
}

int accept4(int fd, sockaddr* from, socklen_t* size, int flags) {
  MILLRACE_NEXT(accept4);
  return accept_recorded([&] {
    return next(fd, from, size, flags);
  });
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
  MILLRACE_NEXT(send);
  if (!is_socket(fd))
    return next(fd, data, size, flags);
  const iovec part{const_cast<void*>(data), size};
  recorded_call recorded{
    {.kind = call_kind::send, .descriptor = fd}, {}, &part, 1};
  return recorded.end(next(fd, data, size, flags));
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  MILLRACE_NEXT(sendmsg);
  if (!is_socket(fd))
    return next(fd, message, flags);
  recorded_call recorded{{.kind = call_kind::send, .descriptor = fd}, {},
    message->msg_iov, message->msg_iovlen};
  return recorded.end(next(fd, message, flags));
}

ssize_t recv(int fd, void* into, size_t size, int flags) {
  MILLRACE_NEXT(recv);
  if (!is_socket(fd))
    return next(fd, into, size, flags);
  const auto got = next(fd, into, size, flags);
  if (got > 0) {
    const iovec part{into, static_cast<size_t>(got)};
    append({.kind = call_kind::receive,
             .phase = call_phase::end,
             .descriptor = fd,
             .result = got},
      {}, &part, 1);
  }
  return got;
}

ssize_t sendfile(int to, int from, off_t* position, size_t size) noexcept {
  MILLRACE_NEXT(sendfile);
  if (!is_socket(to))
    return next(to, from, position, size);
  recorded_call recorded{{.kind = call_kind::send_file,
    .descriptor = to,
    .other = from,
    .position = position != nullptr ? *position : -1,
    .size = static_cast<int64_t>(size)}};
  return recorded.end(next(to, from, position, size));
}

ssize_t sendfile64(int to, int from, off64_t* position, size_t size) noexcept {
  return sendfile(to, from, position, size);
}

} // extern "C"
