#pragma once

// Members of the classic protocol in a group whose coordinator assigns
// (KIP-848): what JoinGroup, SyncGroup, Heartbeat and LeaveGroup mean there.
//
// Such a member learns of a change by Heartbeat (rebalance_in_progress), says
// in JoinGroup what it still owns and takes a step towards its target, and
// learns by SyncGroup what it has then. Nobody leads, and nobody waits for
// others.

#include "cluster/consumer_group_moves.hpp"
#include "cluster/group_effects.hpp"

#include <string>
#include <vector>

namespace millrace {

/// One such request in one group; each of the four is called at most once. It
/// changes what is latest in the group; the answer may be given once
/// records() are durable.
class consumer_group_classic {
public:
  consumer_group_classic(consumer_group& group,
    const consumer_group_context& context, const group_request_context& who)
      : group_(group), context_(context), who_(who), moves_(group, context) {}

  /// @param new_member_id for one that brings none
  [[nodiscard]] kafka::join_group_response join(
    const kafka::join_group_request& request, const std::string& new_member_id);
  [[nodiscard]] kafka::sync_group_response sync(
    const kafka::sync_group_request& request);
  [[nodiscard]] kafka::heartbeat_response heartbeat(
    const kafka::heartbeat_request& request);
  /// Members of the other protocol are not known here.
  [[nodiscard]] kafka::leave_group_response leave(
    const kafka::leave_group_request& request);

  [[nodiscard]] const std::vector<consumer_group_record>& records() const {
    return moves_.records();
  }

private:
  [[nodiscard]] kafka_error admit(
    const kafka::join_group_request& request, const std::string& id);
  [[nodiscard]] bool supports(
    const kafka::join_group_request& request, const std::string& id) const;
  [[nodiscard]] kafka_error find(
    const std::string& id, const std::optional<std::string>& instance_id) const;
  [[nodiscard]] kafka_error take_out(const std::string& member_id,
    const std::optional<std::string>& instance_id,
    const std::optional<std::string>& words,
    std::vector<consumer_group::departure>& gone) const;
  void await_request(const consumer_group_member& member);
  void keep_alive(const consumer_group_member& member);

  consumer_group& group_;
  const consumer_group_context& context_;
  const group_request_context& who_;
  consumer_group_moves moves_;
};

} // namespace millrace
