#pragma once

// Forming a group, joining it, and taking others in.

#include "actors/consensus.hpp"

namespace millrace {

/// Whether this member has ever taken part in the group.
[[nodiscard]] bool is_in_group(const consensus_state& s);

/// As long as the group does not know this member: says hello to the
/// controllers, and forms the group if that is this node's turn.
void look_for_group(consensus_actor::stateful_pointer<consensus_state> self);

/// The first entry of the group that this node forms is durable.
void on_formed(consensus_actor::stateful_pointer<consensus_state> self);

/// Somebody says hello, or has answered.
void on_group_message(consensus_actor::stateful_pointer<consensus_state> self,
  const from_node& from);

/// At the leader: makes those that have said hello members.
void take_in(consensus_actor::stateful_pointer<consensus_state> self);

/// Somebody wants a member to have another part in the group.
void on_change_member(consensus_actor::stateful_pointer<consensus_state> self,
  const change_member& message);

void on_hand_over(consensus_actor::stateful_pointer<consensus_state> self,
  const hand_over& message);

/// How a change of the members ended.
void on_change_ended(
  consensus_actor::stateful_pointer<consensus_state> self, raft_refusal how);

} // namespace millrace
