#pragma once

// One share group (KIP-932) as a replayable state machine: apply() is its only
// change, for fresh records and replayed ones alike.

#include "cluster/partition_set.hpp"
#include "cluster/share_group_records.hpp"
#include "cluster/topic_view.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace millrace {

/// One member, as its records tell of it.
struct share_group_member {
  std::string id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> topic_names; ///< subscribed to; sorted, each once

  int32_t epoch = 0;
  /// The epoch before: the answer that told the current one may be lost.
  int32_t previous_epoch = 0;
  partition_set assigned;

  bool operator==(const share_group_member&) const = default;
};

/// Topics, and the partitions of which a coordinator of states is told.
class share_topics {
public:
  struct topic {
    std::string name;
    std::set<int32_t> partitions;

    bool operator==(const topic&) const = default;
  };

  void add(const uuid& id, const std::string& name, int32_t partition);
  void remove(const uuid& id, int32_t partition);
  void remove(const uuid& id) {
    topics_.erase(id);
  }
  [[nodiscard]] bool contains(const uuid& id, int32_t partition) const;
  [[nodiscard]] const std::map<uuid, topic>& topics() const {
    return topics_;
  }
  [[nodiscard]] bool empty() const {
    return topics_.empty();
  }

  bool operator==(const share_topics&) const = default;

private:
  std::map<uuid, topic> topics_;
};

/// Which share partitions there are, and which are to be or not to be.
struct share_group_partitions {
  share_topics initializing;
  share_topics initialized;
  std::map<uuid, std::string> deleting; ///< names by topic id

  bool operator==(const share_group_partitions&) const = default;
};

class share_group_state {
public:
  explicit share_group_state(std::string id) : id_(std::move(id)) {}

  [[nodiscard]] const std::string& id() const {
    return id_;
  }
  /// Whether its log has it: from its first record to its last tombstone.
  [[nodiscard]] bool exists() const {
    return has_epoch_ || has_partitions_ || !members_.empty();
  }
  /// Rises by one with each change of members, subscriptions, topics, or of
  /// the partitions that may be given out. The first member makes it 2.
  [[nodiscard]] int32_t epoch() const {
    return epoch_;
  }
  /// topic_hash() of what was subscribed to at this epoch.
  [[nodiscard]] int64_t metadata_hash() const {
    return metadata_hash_;
  }
  /// The group epoch for which the targets were computed.
  [[nodiscard]] int32_t assignment_epoch() const {
    return assignment_epoch_;
  }
  /// When they were, since the Unix epoch; 0 if unknown.
  [[nodiscard]] int64_t assignment_ms() const {
    return assignment_ms_;
  }
  [[nodiscard]] bool is_empty() const {
    return members_.empty();
  }
  /// As ShareGroupDescribe and ListGroups tell it: `Empty` or `Stable`.
  [[nodiscard]] const char* phase() const {
    return is_empty() ? "Empty" : "Stable";
  }

  [[nodiscard]] const std::map<std::string, share_group_member>&
  members() const {
    return members_;
  }
  /// Null if there is none.
  [[nodiscard]] const share_group_member* find(const std::string& id) const;
  /// What a member is to have; empty if nothing is known.
  [[nodiscard]] const partition_set& target(const std::string& member_id) const;
  [[nodiscard]] const share_group_partitions& partitions() const {
    return partitions_;
  }

  /// The names that any member subscribes to; topics that do not exist too.
  [[nodiscard]] std::set<std::string> subscribed_topics() const;
  /// Subscribed partitions that exist and have a state at its coordinator.
  [[nodiscard]] partition_set ready(const topic_view& topics) const;
  /// Whether all of ready() is somebody's target, and nothing else is.
  [[nodiscard]] bool assigns_ready(const topic_view& topics) const;

  /// Any record of this group in any order: a log that was compacted has lost
  /// some.
  void apply(const share_group_record& record);

  bool operator==(const share_group_state&) const = default;

private:
  using record_of = share_group_record;

  void apply_change(const record_of::of_member& change);
  void apply_change(const record_of::of_group& change);
  void apply_change(const record_of::of_targets& change);
  void apply_change(const record_of::of_target& change);
  void apply_change(const record_of::of_current& change);
  void apply_change(const record_of::of_states& change);

  static constexpr int32_t first_epoch = 1; // nobody has joined yet

  std::string id_;
  bool has_epoch_ = false;
  bool has_partitions_ = false;
  int32_t epoch_ = first_epoch;
  int64_t metadata_hash_ = 0;
  int32_t assignment_epoch_ = 0;
  int64_t assignment_ms_ = 0;
  std::map<std::string, share_group_member> members_;
  std::map<std::string, partition_set> targets_;
  share_group_partitions partitions_;
};

// The records that a member, and share partitions, are made of.

[[nodiscard]] kafka::share_group_member_metadata_value metadata_record(
  const share_group_member& member);
[[nodiscard]] kafka::share_group_current_member_assignment_value
current_assignment_record(const share_group_member& member);
[[nodiscard]] kafka::share_group_state_partition_metadata_value
partitions_record(const share_group_partitions& partitions);

} // namespace millrace
