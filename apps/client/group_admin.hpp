#pragma once

// Administration of consumer groups.

#include "apps/client/cluster.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace::client {

struct group_listing {
  std::string group;
  std::string state;         ///< `Stable`, `Empty`, ...; empty: not told
  std::string protocol_type; ///< `consumer` for consumers
};

struct group_member_info {
  std::string member_id;
  std::string instance_id;
  std::string client_id;
  std::string host;
  std::vector<topic_partition> assignment;
};

struct group_info {
  std::string group;
  std::string state;
  std::string protocol; ///< the assignor that was agreed on
  std::vector<group_member_info> members;
};

/// One rebalance of a group.
struct group_rebalance_info {
  int32_t epoch = 0;        ///< or generation, that began with it
  std::string member_id;    ///< whose doing it was; empty for the topics'
  std::string reason;       ///< `joined`, `session timed out`, ...
  int64_t started_ms = 0;   ///< since the Unix epoch
  int64_t duration_ms = -1; ///< -1 while it goes on
};

/// The groups of all brokers, by name.
[[nodiscard]] result<std::vector<group_listing>> list_groups(cluster& nodes);
/// One of either protocol. Errors: not_found where there is no such group, in
/// any version.
[[nodiscard]] result<group_info> describe_group(
  cluster& nodes, const std::string& group);
/// The last rebalances, the oldest first; only Millrace tells them.
/// Errors: not_found; unsupported by other servers.
[[nodiscard]] result<std::vector<group_rebalance_info>> explain_group(
  cluster& nodes, const std::string& group);
[[nodiscard]] result<void> delete_group(
  cluster& nodes, const std::string& group);

/// Every offset that the group has committed.
[[nodiscard]] result<std::map<topic_partition, int64_t>> all_committed(
  cluster& nodes, const std::string& group);
/// Commits for a group without members. Errors: those of the server; the
/// sentence for a group with members names the cure.
[[nodiscard]] result<void> set_committed(cluster& nodes,
  const std::string& group, const std::map<topic_partition, int64_t>& next);
/// Forgets the group's offsets of these partitions.
[[nodiscard]] result<void> delete_committed(cluster& nodes,
  const std::string& group, const std::vector<topic_partition>& partitions);

} // namespace millrace::client
