#pragma once

// Which nodes have had far more to do than the others for a long time, from
// what each says it carries. Soft state of the controller that leads.

#include "cluster/node_load.hpp"

#include <map>
#include <set>
#include <vector>

namespace millrace {

/// A node that carries more than this, where all carry `mean` on average, is
/// hot: half as much again, and a megabyte a second at least.
[[nodiscard]] int64_t heat_limit(int64_t mean);

class hot_nodes {
public:
  /// What was told longer ago is not known any more: three tellings are lost.
  static constexpr int64_t fresh_ms = 35'000;

  explicit hot_nodes(int64_t delay_ms = 60'000) : delay_ms_(delay_ms) {}

  /// Its word counts from now on, unless some of it was measured before
  /// begin_anew().
  void note(node_id id, node_load load, int64_t now_ms);
  /// What the nodes lead has changed: nothing that was measured counts.
  void begin_anew(int64_t now_ms);

  /// Those that have been hot for the whole delay, the hottest first. Each is
  /// said again only after another delay.
  /// @param nodes all that are there: nothing is known before each has said
  /// what it carries
  [[nodiscard]] std::vector<node_id> look(
    const std::set<node_id>& nodes, int64_t now_ms);

  /// Whether it is known to carry no more than it may.
  [[nodiscard]] bool is_cool(node_id id) const;
  [[nodiscard]] const std::map<node_id, node_load>& loads() const {
    return loads_;
  }
  /// Of the nodes of the last look().
  [[nodiscard]] int64_t mean() const {
    return mean_;
  }

private:
  /// Whether all have told lately what they carry; sets the mean.
  [[nodiscard]] bool know(const std::set<node_id>& nodes, int64_t now_ms);

  int64_t delay_ms_;
  int64_t anew_ms_ = INT64_MIN / 2;
  int64_t mean_ = 0;
  std::map<node_id, node_load> loads_;
  std::map<node_id, int64_t> told_ms_;
  std::map<node_id, int64_t> hot_since_ms_;
};

} // namespace millrace
