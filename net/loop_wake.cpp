#include "net/loop_wake.hpp"

#include "net/system_error.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace millrace {

result<void> loop_wake::open() {
  fd_ = descriptor{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!fd_.valid())
    return system_error_of(errno, "eventfd");
  return {};
}

// All atomics are sequentially consistent here: store wanted, load asleep
// against store asleep, load wanted.
void loop_wake::wake() {
  wanted_.store(true);
  if (!asleep_.load() || written_.exchange(true))
    return;
  uint64_t one = 1;
  // Fails only when the counter is full, and then the loop wakes anyway.
  (void)!::write(fd_.get(), &one, sizeof one);
}

bool loop_wake::fall_asleep() {
  asleep_.store(true);
  return !wanted_.load();
}

void loop_wake::wake_up() {
  asleep_.store(false);
  wanted_.store(false);
}

void loop_wake::drain() {
  uint64_t count = 0;
  (void)!::read(fd_.get(), &count, sizeof count);
  written_.store(false);
}

} // namespace millrace
