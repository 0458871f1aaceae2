#pragma once

// Balance without an operator: when the nodes of a cluster have become others
// and have stayed so for a while, says what would be moved (`plan`), or moves
// it, a few partitions at a time (`apply`). The one that leads the metadata
// asks it now and then; what it says to do goes through the metadata log like
// everybody's requests.

#include "cluster/config_node.hpp"
#include "cluster/metadata_image.hpp"
#include "cluster/replica_moves.hpp"

#include <map>
#include <set>
#include <vector>

namespace millrace {

class auto_rebalance {
public:
  struct options {
    rebalance_mode mode = rebalance_mode::plan;
    int64_t delay_ms = 60'000; ///< so long nothing has changed
    size_t at_once = 20;       ///< partitions on the move
  };
  /// A plan is counted no further.
  static constexpr size_t counted_max = 1000;

  struct step {
    std::vector<replica_move> start;
    /// Their target is gone: they are to stay where they were.
    std::vector<replica_move> cancel;
    /// They have arrived: their first replica is to lead.
    std::vector<topic_partition> elect;
    size_t planned = 0; ///< to be told: so many would be moved

    [[nodiscard]] bool nothing() const {
      return start.empty() && cancel.empty() && elect.empty() && planned == 0;
    }
  };

  explicit auto_rebalance(options options) : options_(options) {}

  /// What is to be done, as the metadata are now. What was said before counts
  /// as done, or as refused. If somebody stops a move, nothing more is begun
  /// before the nodes change again.
  [[nodiscard]] step look(const metadata_image& image, int64_t now_ms);

private:
  /// Whether the nodes are others than the last time.
  [[nodiscard]] bool note_nodes(const metadata_image& image, int64_t now_ms);
  void look_after(const metadata_image& image, step& next);
  void go_on(const metadata_image& image, step& next);

  options options_;
  std::set<node_id> nodes_; ///< that may be given replicas
  int64_t since_ms_ = 0;    ///< these are
  bool seen_ = false;
  bool settled_ = false; ///< nothing to do until they change
  std::map<topic_partition, replica_move> under_way_;
  std::set<topic_partition> cancelled_; ///< by this
};

} // namespace millrace
