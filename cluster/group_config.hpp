#pragma once

// What an operator may set about consumer groups, with Kafka's defaults; the
// names are Kafka's keys without their dots.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace millrace {

/// Which groups with members in them may go over to the other protocol, when
/// the first member of KIP-848 comes, or the last one has left.
enum class migration_policy : uint8_t {
  disabled,
  upgrade,
  downgrade,
  bidirectional,
};

/// Of groups whose coordinator assigns (KIP-848).
struct consumer_group_config {
  int32_t session_timeout_ms = 45'000; ///< group.consumer.session.timeout.ms
  /// group.consumer.heartbeat.interval.ms
  int32_t heartbeat_interval_ms = 5'000;
  /// What members are told instead while a group rebalances, if it is less:
  /// they learn in heartbeats what to give up and what they got.
  int32_t settling_heartbeat_interval_ms = 500;
  /// group.consumer.assignment.interval.ms: members that come one by one
  /// are assigned together.
  int32_t assignment_interval_ms = 1'000;
  int32_t size_max
    = std::numeric_limits<int32_t>::max(); ///< group.consumer.max.size
  migration_policy migration
    = migration_policy::bidirectional; ///< group.consumer.migration.policy
  /// group.consumer.assignors; the first is for members that name none.
  std::vector<std::string> assignors = {"uniform", "range"};
};

/// Of share groups (KIP-932).
struct share_group_config {
  int32_t session_timeout_ms = 45'000;   ///< group.share.session.timeout.ms
  int32_t heartbeat_interval_ms = 5'000; ///< group.share.heartbeat.interval.ms
  /// What members are told instead while a group changes, if it is less.
  int32_t settling_heartbeat_interval_ms = 500;
  /// group.share.assignment.interval.ms
  int32_t assignment_interval_ms = 1'000;
  int32_t size_max = 200; ///< group.share.max.size
  /// How long to wait before a share partition that could not be initialized
  /// is tried again.
  int32_t initialize_retry_ms = 1'000;
};

struct group_config {
  int32_t session_timeout_ms_min = 6'000;     ///< group.min.session.timeout.ms
  int32_t session_timeout_ms_max = 1'800'000; ///< group.max.session.timeout.ms
  /// group.initial.rebalance.delay.ms: how long the first rebalance of an
  /// empty group waits for more members.
  int32_t initial_rebalance_delay_ms = 3'000;
  int32_t size_max = std::numeric_limits<int32_t>::max(); ///< group.max.size
  size_t offset_metadata_max = 4'096; ///< offset.metadata.max.bytes
  int64_t offsets_retention_ms = int64_t{7} * 24 * 60 * 60 * 1'000;
  /// offsets.retention.check.interval.ms
  int64_t offsets_retention_check_interval_ms = 600'000;
  /// How long a member that has never been given a generation may wait for
  /// one: its disconnect cannot be seen, and it cannot send heartbeats.
  int64_t new_member_join_timeout_ms = 300'000;
  /// R19: how far the wall clock may gain on the monotonic one since the
  /// start before offsets no longer expire by it.
  int64_t wall_clock_gain_ms_max = 60'000;
  consumer_group_config consumer;
  share_group_config share;
};

} // namespace millrace
