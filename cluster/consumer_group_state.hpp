#pragma once

// One consumer group (KIP-848) as a replayable state machine: apply() is its
// only change, for fresh records and replayed ones alike.

#include "cluster/consumer_group_member.hpp"
#include "cluster/consumer_group_records.hpp"
#include "cluster/topic_view.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace millrace {

/// As ConsumerGroupDescribe and ListGroups tell it.
enum class consumer_group_phase : uint8_t {
  empty,
  assigning,   ///< the group has changed since its target assignment was made
  reconciling, ///< some member has not reached its target
  stable,
};

/// As Kafka writes it: `Reconciling`.
[[nodiscard]] const char* to_string(consumer_group_phase phase);

class consumer_group_state {
public:
  explicit consumer_group_state(std::string id) : id_(std::move(id)) {}

  [[nodiscard]] const std::string& id() const {
    return id_;
  }
  /// Whether its log has it: from its first record to its last tombstone.
  [[nodiscard]] bool exists() const {
    return exists_ || !members_.empty();
  }
  /// Rises by one with each change of members, subscriptions or topics.
  [[nodiscard]] int32_t epoch() const {
    return epoch_;
  }
  /// Of the topics that were subscribed to at this epoch; subscribed_hash().
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
  [[nodiscard]] consumer_group_phase phase() const;
  /// Whether every member has its target, but for those that are away.
  [[nodiscard]] bool is_settled() const;

  [[nodiscard]] const std::map<std::string, consumer_group_member>&
  members() const {
    return members_;
  }
  /// Null if there is none.
  [[nodiscard]] const consumer_group_member* find(const std::string& id) const;
  [[nodiscard]] const consumer_group_member* find_static(
    const std::string& instance_id) const;
  /// What a member is to own in the end; empty if nothing is known.
  [[nodiscard]] const partition_set& target(const std::string& member_id) const;
  /// Whether a member has this partition, or has yet to give it up.
  [[nodiscard]] bool is_held(const uuid& topic, int32_t partition) const;

  using regex_map
    = std::map<std::string, kafka::consumer_group_regular_expression_value>;
  /// What the regular expressions of members have matched.
  [[nodiscard]] const regex_map& regexes() const {
    return regexes_;
  }
  [[nodiscard]] bool uses_regex(const std::string& regex) const;

  /// The names that a member subscribes to, itself or by its expression;
  /// topics that do not exist too.
  [[nodiscard]] std::set<std::string> subscription(
    const consumer_group_member& member) const;
  /// The same for the whole group.
  [[nodiscard]] std::set<std::string> subscribed_topics() const;
  /// A number that changes when topics that the group subscribes to come, go
  /// or grow; 0 if none exists.
  [[nodiscard]] int64_t subscribed_hash(const topic_view& topics) const;

  /// The assignor that most members ask for, the earliest in `known` of
  /// equals; the first one if nobody asks. Precondition: `known` is not empty.
  [[nodiscard]] const std::string& preferred_assignor(
    const std::vector<std::string>& known) const;

  /// Any record of this group in any order: a log that was compacted has lost
  /// some.
  void apply(const consumer_group_record& record);

  bool operator==(const consumer_group_state&) const = default;

private:
  using record_of = consumer_group_record;

  void apply_change(const record_of::of_group& change);
  void apply_change(const record_of::of_topics& change);
  void apply_change(const record_of::of_member& change);
  void apply_change(const record_of::of_targets& change);
  void apply_change(const record_of::of_target& change);
  void apply_change(const record_of::of_current& change);
  void apply_change(const record_of::of_regex& change);
  void remove(const std::string& member_id);
  void count_holds(const consumer_group_member& member, int32_t change);

  static constexpr int32_t first_epoch = 1; // nobody has joined yet

  std::string id_;
  bool exists_ = false;
  int32_t epoch_ = first_epoch;
  int64_t metadata_hash_ = 0;
  int32_t assignment_epoch_ = 0;
  int64_t assignment_ms_ = 0;
  std::map<std::string, consumer_group_member> members_;
  std::map<std::string, std::string> static_members_; // by instance id
  std::map<std::string, partition_set> targets_;
  std::map<uuid, std::map<int32_t, int32_t>> holds_; // by how many members
  regex_map regexes_;
};

} // namespace millrace
