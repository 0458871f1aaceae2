#pragma once

// The transitions of a classic group from one generation to the next.

#include "cluster/group_state.hpp"
#include "cluster/group_turn.hpp"

#include <map>
#include <string>

namespace millrace {

/// Moves one group within one turn. What Kafka's timers and purgatories do is
/// here a deadline in the group and a call of expire().
class group_rebalance {
public:
  group_rebalance(group_state& group, group_turn& turn)
      : group_(group), turn_(turn) {}

  /// The members have changed: starts a rebalance, or ends the one that is
  /// being prepared if nobody is missing any more.
  /// @param cause to be told, of a rebalance that begins
  void members_changed(const rebalance_cause& cause);

  /// Sends everyone back to JoinGroup. A group that was empty waits the
  /// initial delay for more members; others wait until all have joined, or
  /// for the longest rebalance time-out.
  /// Precondition: no rebalance is being prepared.
  void prepare(const rebalance_cause& cause);

  /// Ends the join when all members are there; not the first one of an empty
  /// group, which waits out its delay.
  void complete_if_all_joined();

  /// Takes a member out and tells its parked requests unknown_member_id.
  /// Callers follow up with members_changed() or complete_if_all_joined().
  void remove(const std::string& member_id);

  /// Gives each member its part, answers who waits, and is stable.
  /// Precondition: completing_rebalance.
  void assign(const std::map<std::string, std::string>& assignment);

  /// Clears the assignment and refuses every parked SyncGroup.
  void refuse_syncs(kafka_error error);

  /// Does what is due at the turn's time: sessions, announced members that
  /// did not come, joins and syncs that took too long.
  void expire();

  /// Answers everything that is parked; used when the group moves away.
  void refuse_all(kafka_error error);

private:
  void complete();
  void begin_generation();
  void end_initial_delay();
  void expire_members();
  void expire_syncs();
  void answer_sync(const std::string& member_id, kafka_error error);

  group_state& group_;
  group_turn& turn_;
};

} // namespace millrace
