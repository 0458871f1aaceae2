#include "cluster/raft_actions.hpp"

namespace millrace {

const char* to_string(raft_role role) {
  switch (role) {
  case raft_role::follower:
    return "follower";
  case raft_role::pre_candidate:
    return "pre-candidate";
  case raft_role::candidate:
    return "candidate";
  case raft_role::leader:
    return "leader";
  }
  return "unknown";
}

const char* to_string(raft_refusal refusal) {
  switch (refusal) {
  case raft_refusal::none:
    return "none";
  case raft_refusal::not_leader:
    return "not the leader";
  case raft_refusal::transferring:
    return "leadership is being handed over";
  case raft_refusal::too_much_pending:
    return "too much waits to be committed";
  case raft_refusal::not_yet:
    return "nothing of this term is committed yet";
  case raft_refusal::change_in_progress:
    return "a change of members is in progress";
  case raft_refusal::not_a_voter:
    return "not a voter";
  case raft_refusal::invalid:
    return "no such group can be";
  case raft_refusal::timed_out:
    return "a new voter did not catch up";
  }
  return "unknown";
}

} // namespace millrace
