#pragma once

// The line on a terminal that says how far moves of replicas have come.

#include "apps/client/replica_sizes.hpp"
#include "cluster/replica_moves.hpp"

#include <string>
#include <vector>

namespace millrace::cli {

struct move_figures {
  size_t done = 0; ///< partitions
  size_t total = 0;
  int64_t copied = 0; ///< bytes
  int64_t to_copy = 0;
  int64_t elapsed_ms = 0;
};

/// `moved 3 of 20 partitions, 1.2 of 8.0 MB, 0.4 MB/s, about 17 s left`. What
/// is left is said once enough was copied to tell. A MB is a million bytes.
[[nodiscard]] std::string to_string(const move_figures& figures);

/// What the moves copy, as their replicas are now.
[[nodiscard]] int64_t bytes_to_copy(
  const std::vector<replica_move>& moves, const client::replica_sizes& sizes);
/// What of that is there already.
[[nodiscard]] int64_t bytes_copied(
  const std::vector<replica_move>& moves, const client::replica_sizes& sizes);

/// Rewrites one line of stderr, if that is a terminal; else does nothing and
/// asks nobody.
class move_progress {
public:
  move_progress(client::cluster& nodes, const std::vector<replica_move>& moves);
  /// Leaves the line as it is then, with its end.
  ~move_progress();
  move_progress(const move_progress&) = delete;
  move_progress& operator=(const move_progress&) = delete;

  /// Asks the nodes how far these are, once a second at most.
  void show(const std::vector<replica_move>& under_way);
  /// These are done.
  void finish(const std::vector<replica_move>& moves);

private:
  void write(int64_t under_way);

  client::cluster& nodes_;
  bool enabled_;
  move_figures figures_;
  client::replica_sizes before_; ///< how much each move is about
  int64_t began_ms_ = 0;
  int64_t due_ms_ = 0;
  int64_t finished_ = 0; ///< bytes
};

} // namespace millrace::cli
