#pragma once

// What two simulated nodes believe of one another: each end of a connection
// on its own, since one learns of its end before the other does, or never.

#include "simulation/sim_world.hpp"

#include <array>
#include <cstdint>

namespace millrace {

enum class process_state : uint8_t {
  running,
  stopped, ///< the machine answers that nobody listens
  off,     ///< nobody answers
};

struct sim_contact {
  struct end {
    /// The connection that this end has, or 0.
    uint64_t connection = 0;
    /// Has heard nothing since, or -1.
    sim_time deaf_since = -1;
  };

  std::array<end, 2> ends;
  bool dialing = false;
  /// They do not find one another before.
  sim_time no_dial_until = 0;

  [[nodiscard]] bool is_whole() const {
    return ends[0].connection != 0 && ends[0].connection == ends[1].connection;
  }
};

} // namespace millrace
