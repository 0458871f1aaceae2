#pragma once

// How much a node has to do for clients: what is written to and read from the
// partitions that it leads. Each node measures its own; the one that leads the
// metadata hears of it now and then, and forgets it with its leadership.

#include "schema/types.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace {

/// Record bytes that clients have written (in) and read (out); of a load: a
/// second.
struct byte_counts {
  int64_t in = 0;
  int64_t out = 0;

  [[nodiscard]] int64_t total() const {
    return in + out;
  }
  friend bool operator==(const byte_counts&, const byte_counts&) = default;
};

struct partition_load {
  uuid topic;
  int32_t partition = 0;
  byte_counts rates;

  friend bool operator==(const partition_load&, const partition_load&)
    = default;
};

struct node_load {
  /// So many are told: nothing may grow with nodes times partitions.
  static constexpr size_t heaviest_max = 16;

  byte_counts rates;   ///< of everything that the node leads
  int64_t over_ms = 0; ///< so long ago the measurement began
  /// Of what it leads, the heaviest first; those without traffic are left out.
  std::vector<partition_load> heaviest;

  friend bool operator==(const node_load&, const node_load&) = default;
};

} // namespace millrace
