#pragma once

// What takes load from a hot node. Pure: from what nodes carry, and which of
// their partitions are heavy, to the few changes after which the hot one has
// less and nobody else has as much as it had. The cheapest that helps comes
// first: another in-sync replica leads a heavy partition, which copies
// nothing; only then a replica goes elsewhere.
//
// Light partitions go the other way, so that nodes go on leading and holding
// as many as before: plan_balance(), which counts, leaves it as it is.

#include "cluster/replica_moves.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace millrace {

struct loaded_partition {
  placed_partition placed;
  node_id leader{-1};
  /// Replicas that may lead at once.
  std::vector<node_id> ready;
  /// Bytes a second that its leader carries for it; at most so many if it is
  /// not among the heavy ones that the leader has told.
  int64_t load = 0;
  bool heavy = false;
};

/// What is done for one hot node.
struct cooling {
  enum class outcome : uint8_t {
    helps,
    /// It is hot by one partition alone, and that cannot be split.
    one_partition,
    /// Whatever could be moved makes it worse, or hardly better.
    nothing_fits,
  };

  node_id node{-1};
  int64_t load = 0; ///< bytes a second
  int64_t mean = 0; ///< of all nodes
  outcome found = outcome::nothing_fits;
  topic_partition heaviest; ///< of what it leads
  int64_t heaviest_load = 0;
  std::vector<replica_move> moves;
  /// Their first replica is to lead, which it does not now.
  std::vector<topic_partition> elect;
};

/// A plan for each hot node; together they copy four heavy partitions at most,
/// and as many light ones in return.
/// @param loads what every one of `nodes` carries, bytes a second
/// @param hot of them, the hottest first
[[nodiscard]] std::vector<cooling> plan_cooling(
  std::span<const usable_broker> nodes, const std::map<node_id, int64_t>& loads,
  const std::vector<loaded_partition>& partitions,
  const std::vector<node_id>& hot);

/// A sentence for the log.
/// @param applies whether it is done, or only would be
[[nodiscard]] std::string to_sentence(const cooling& plan, bool applies);

} // namespace millrace
