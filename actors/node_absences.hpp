#pragma once

// What a gateway has noticed of nodes that are gone, and for how long: soft
// state that makes a fail-over short for clients. A class of its own, as it
// knows nothing but times.

#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace millrace {

class node_absences {
public:
  /// A leader whose link has just broken may be dead: a client that asks for
  /// metadata now would be told the old leader, and not ask again for a
  /// second (librdkafka). So long its answer may wait for a new one.
  static constexpr int64_t answer_waits_ms = 300;
  /// A broker that metadata does not tell any more is taken away by
  /// librdkafka with its partitions, which then stand still for a second,
  /// even if their new leader is known. So long it is still told.
  static constexpr int64_t still_told_ms = 10'000;

  void on_link_lost(node_id node, int64_t now_ms) {
    lost_.try_emplace(node, now_ms);
  }
  void on_link_up(node_id node) {
    lost_.erase(node);
  }
  /// Whether its link is broken, as far as is known.
  [[nodiscard]] bool is_cut_off(node_id node) const {
    return lost_.contains(node);
  }
  /// Whether its link broke a moment ago.
  [[nodiscard]] bool has_just_gone(node_id node, int64_t now_ms) const {
    const auto at = lost_.find(node);
    return at != lost_.end() && now_ms - at->second < answer_waits_ms;
  }

  void on_fenced(node_id node, int64_t now_ms) {
    fenced_[node] = now_ms;
  }
  /// Shut out a moment ago; ascending.
  [[nodiscard]] std::vector<node_id> lately_fenced(int64_t now_ms) const {
    std::vector<node_id> nodes;
    for (const auto& [node, since_ms] : fenced_)
      if (now_ms - since_ms < still_told_ms)
        nodes.push_back(node);
    return nodes;
  }

private:
  std::map<node_id, int64_t> lost_;   ///< since when
  std::map<node_id, int64_t> fenced_; ///< when last
};

} // namespace millrace
