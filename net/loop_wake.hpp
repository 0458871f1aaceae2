#pragma once

// How other threads end the sleep of an event loop: an eventfd, written to
// only when the loop sleeps and nobody has written before.

#include "net/descriptor.hpp"
#include "schema/result.hpp"

#include <atomic>

namespace millrace {

/// The loop calls fall_asleep() before it waits and wake_up() after; anyone
/// calls wake(). No wake is lost: either the sleeper sees `wanted_` before it
/// waits, or the waker sees `asleep_` and writes.
class loop_wake {
public:
  /// Errors: out_of_handles, io_error.
  [[nodiscard]] result<void> open();
  [[nodiscard]] int get() const {
    return fd_.get();
  }

  /// Any thread.
  void wake();

  /// True when the loop may wait; false when a wake came already.
  [[nodiscard]] bool fall_asleep();
  void wake_up();
  /// Empties the eventfd after epoll reported it.
  void drain();
  void acknowledge() {
    wanted_.store(false);
  }

private:
  descriptor fd_;
  std::atomic<bool> wanted_{false};
  std::atomic<bool> asleep_{false};
  std::atomic<bool> written_{false};
};

} // namespace millrace
