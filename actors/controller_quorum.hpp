#pragma once

// Questions about the consensus group itself, which the leading controller
// passes on to its consensus actor: DescribeQuorum (KIP-595), AddRaftVoter
// RemoveRaftVoter (KIP-853), and an election of another leader.

#include "actors/controller.hpp"

namespace millrace {

template <class Question>
concept about_quorum
  = std::is_same_v<Question, kafka::describe_quorum_request>
    || std::is_same_v<Question, kafka::add_raft_voter_request>
    || std::is_same_v<Question, kafka::remove_raft_voter_request>;

/// Whether an election is asked for of the metadata's leader, and nothing
/// else: of ElectLeaders, which names it __cluster_metadata-0.
[[nodiscard]] bool is_of_metadata(const kafka::elect_leaders_request& request);

[[nodiscard]] bool is_about_quorum(const admin_question& question);

/// Precondition: this node leads, and is_about_quorum().
void take_quorum_case(
  controller_actor::stateful_pointer<controller_actor_state> self,
  admin_case question);

/// A broker has been taken off the list: nobody waits for its consensus
/// either, unless it votes. If it lives it asks to be taken in again.
void forget_learner(
  controller_actor::stateful_pointer<controller_actor_state> self,
  node_id broker);

void on_quorum_view(
  controller_actor::stateful_pointer<controller_actor_state> self,
  const quorum_view& view);
void on_member_changed(
  controller_actor::stateful_pointer<controller_actor_state> self,
  const member_changed& done);

} // namespace millrace
