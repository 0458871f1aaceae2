#pragma once

// Balance without an operator: when the nodes of a cluster have become others
// and have stayed so for a while, or one of them has had far more to do than
// the others for that long, says what would be moved (`plan`), or moves it, a
// few partitions at a time (`apply`). The one that leads the metadata
// asks it now and then; what it says to do goes through the metadata log like
// everybody's requests.

#include "cluster/config_node.hpp"
#include "cluster/hot_nodes.hpp"
#include "cluster/load_balance.hpp"
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
    /// Their first replica is to lead: they have arrived, or somebody is hot.
    std::vector<topic_partition> elect;
    size_t planned = 0; ///< to be told: so many would be moved
    /// To be told; what is to be done for them is in `start` and `elect`.
    std::vector<cooling> hot;

    [[nodiscard]] bool nothing() const {
      return start.empty() && cancel.empty() && elect.empty() && planned == 0
             && hot.empty();
    }
  };

  explicit auto_rebalance(options options)
      : options_(options), heat_(options.delay_ms) {}

  /// What a node has said that it carries.
  void note_load(node_id id, node_load load, int64_t now_ms) {
    heat_.note(id, std::move(load), now_ms);
  }

  /// What is to be done, as the metadata are now. What was said before counts
  /// as done, or as refused. If somebody stops a move, nothing more is begun
  /// before the nodes change again.
  [[nodiscard]] step look(const metadata_image& image, int64_t now_ms);

private:
  /// Whether the nodes are others than the last time.
  [[nodiscard]] bool note_nodes(const metadata_image& image, int64_t now_ms);
  void look_after(const metadata_image& image, step& next);
  void go_on(const metadata_image& image, step& next);
  void cool(const metadata_image& image, int64_t now_ms, step& next);
  /// Whether that has not been told of it since it was cool.
  [[nodiscard]] bool is_news(const cooling& plan);

  options options_;
  std::set<node_id> nodes_; ///< that may be given replicas
  int64_t since_ms_ = 0;    ///< these are
  bool seen_ = false;
  bool settled_ = false; ///< nothing to do until they change
  bool stopped_ = false; ///< by somebody, until they change
  hot_nodes heat_;
  std::map<node_id, cooling::outcome> told_; ///< of those that are hot
  std::map<topic_partition, replica_move> under_way_;
  std::set<topic_partition> cancelled_; ///< by this
};

} // namespace millrace
