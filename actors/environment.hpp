#pragma once

// Everything that a node gets from the outside. Production code never touches
// a disk, clock or random number but through this object, so that the
// simulator can stand in for all of them.

#include "schema/result.hpp"
#include "schema/types.hpp"
#include "storage/file.hpp"
#include "storage/image_store.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace millrace {

class environment {
public:
  virtual ~environment() = default;

  virtual file_system& files() = 0;
  /// Opens the image store in `directory`, which is made if missing.
  virtual result<std::unique_ptr<image_store>> open_images(
    const std::string& directory)
    = 0;
  /// Milliseconds since 1970, UTC. May jump.
  [[nodiscard]] virtual int64_t wall_clock_ms() = 0;
  /// 64 random bits. May be called from any thread.
  [[nodiscard]] virtual uint64_t random() = 0;
  /// How long the calling thread has worked, in nanoseconds; only differences
  /// mean something. 0 where time is virtual, and no work takes any.
  [[nodiscard]] virtual int64_t thread_time_ns() {
    return 0;
  }
  /// Whether blocking work gets a thread of its own. Not so in simulation,
  /// where everything is stepped.
  [[nodiscard]] virtual bool has_threads() const = 0;

  /// A random (version 4) id.
  [[nodiscard]] uuid random_uuid();

  /// Spawns an actor that may block: with a thread of its own where there
  /// are threads, an ordinary stepped actor otherwise.
  template <class F, class... Ts>
  auto spawn_blocking(caf::actor_system& system, F f, Ts&&... xs) {
    return has_threads()
             ? system.spawn<caf::detached>(f, std::forward<Ts>(xs)...)
             : system.spawn(f, std::forward<Ts>(xs)...);
  }
};

/// Milliseconds of the actor clock, which never jumps; virtual in tests.
[[nodiscard]] int64_t monotonic_ms(const caf::local_actor& self);
/// The same clock in microseconds.
[[nodiscard]] int64_t monotonic_us(const caf::local_actor& self);

} // namespace millrace
