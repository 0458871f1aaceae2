#pragma once

// One member of a consumer group (KIP-848), as its records tell of it.

#include "cluster/group_member.hpp"
#include "cluster/partition_set.hpp"
#include "schema/kafka/consumer_group_record.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

/// How far a member is on the way to its target assignment; Kafka's numbers.
enum class member_phase : int8_t {
  stable = 0,
  unrevoked_partitions = 1,  ///< is to give partitions up, and has not yet
  unreleased_partitions = 2, ///< waits for others to give partitions up
};

/// By topic id, each partition with the member epoch in which its owner got
/// it (KIP-1251); no topic is there without partitions.
using epoch_set = std::map<uuid, std::map<int32_t, int32_t>>;

/// What is kept of a member that speaks the classic protocol, with JoinGroup
/// and SyncGroup, in a group whose coordinator assigns.
struct classic_side {
  int32_t session_timeout_ms = 0;
  std::vector<group_protocol> protocols; ///< not empty; the preferred first

  bool operator==(const classic_side&) const = default;
};

struct consumer_group_member {
  /// Of a member that has left and will be back under its instance id.
  static constexpr int32_t epoch_away = -2;

  std::string id;
  std::optional<std::string> instance_id; ///< static membership
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> topic_names; ///< subscribed to; sorted, each once
  std::string topic_regex;              ///< the same; may be empty
  int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> server_assignor;
  std::optional<classic_side> classic; ///< of such a member

  int32_t epoch = 0;
  /// The epoch before: the answer that told the current one may be lost.
  int32_t previous_epoch = 0;
  member_phase phase = member_phase::stable;
  epoch_set assigned;
  epoch_set pending_revocation;

  bool operator==(const consumer_group_member&) const = default;

  [[nodiscard]] bool is_away() const {
    return epoch == epoch_away;
  }
  /// How long it may be silent.
  [[nodiscard]] int32_t session_timeout_ms(int32_t by_default) const {
    return classic ? classic->session_timeout_ms : by_default;
  }
  [[nodiscard]] bool is_reconciled_to(int32_t assignment_epoch) const {
    return phase == member_phase::stable && epoch == assignment_epoch;
  }
  [[nodiscard]] bool same_metadata(const consumer_group_member& other) const;
  /// The epoch in which it got a partition that it still has or is to give
  /// up; nothing for any other.
  [[nodiscard]] std::optional<int32_t> assignment_epoch(
    const uuid& topic, int32_t partition) const;
};

[[nodiscard]] partition_set partitions_in(const epoch_set& set);

// The records that a member is made of.

[[nodiscard]] kafka::consumer_group_member_metadata_value metadata_record(
  const consumer_group_member& member);
[[nodiscard]] kafka::consumer_group_current_member_assignment_value
current_assignment_record(const consumer_group_member& member);
void set_metadata(consumer_group_member& member,
  const kafka::consumer_group_member_metadata_value& record);
void set_current_assignment(consumer_group_member& member,
  const kafka::consumer_group_current_member_assignment_value& record);

} // namespace millrace
