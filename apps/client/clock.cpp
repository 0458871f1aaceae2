#include "apps/client/clock.hpp"

#include <poll.h>
#include <time.h>

#include <algorithm>

namespace millrace::client {
namespace {

int64_t read_ns(clockid_t which) {
  timespec now{};
  ::clock_gettime(which, &now);
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

} // namespace

int64_t steady_ns() {
  return read_ns(CLOCK_MONOTONIC);
}

int64_t steady_ms() {
  return steady_ns() / 1000000;
}

int64_t wall_ms() {
  return read_ns(CLOCK_REALTIME) / 1000000;
}

void pause_ms(int64_t milliseconds) {
  ::poll(nullptr, 0, static_cast<int>(std::max<int64_t>(0, milliseconds)));
}

} // namespace millrace::client
