#pragma once

// A member of a consensus group: the shell of cluster/raft_core. It gives the
// core messages, time and what the disk has done, and does what the core
// wants. The state machine (the controller) gets what is committed, in order.
//
// A fresh group forms itself: the first of the configured controllers begins
// alone once all others have said that they know no group either, and takes
// in everybody who asks; controllers as voters, others as learners. A node
// that has lost its directory is another member and asks anew (R24).

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_link.hpp"
#include "cluster/raft_core.hpp"

#include <deque>

namespace millrace {

struct consensus_options {
  std::string group;
  raft_member self;
  raft_options raft;
  raft_restart restart;
  uint64_t seed = 0;
  /// Who may vote, by number, as configured; the first one forms the group.
  std::vector<node_id> controllers;
  consensus_disk_actor disk;
  std::shared_ptr<node_link> link;
};

struct consensus_state {
  static inline const char* name = "consensus";

  consensus_options options;
  std::unique_ptr<raft_core> core;
  caf::strong_actor_ptr machine; ///< null: does not follow yet
  bool ticking = false;

  /// What is told to the machine next: entries, or a run that the disk has to
  /// be asked for first.
  struct delivery {
    std::vector<raft_entry> entries;
    std::optional<raft_range> unread;
  };
  std::deque<delivery> deliveries;
  bool reading = false;
  std::map<uint64_t, raft_member> reads; ///< for members, by ticket
  uint64_t next_ticket = 1;              ///< 0: of a delivery

  // Snapshots: the one that is being sent, and the one that comes in.
  std::optional<state_told> outgoing;
  bool asked_for_state = false;
  std::vector<raft_chunk_wanted> chunks_wanted;
  int64_t chunk_wanted_ms = 0;
  std::vector<shared_bytes> incoming;
  std::optional<raft_position> installing; ///< what the machine makes durable

  // Forming and joining.
  struct acquaintance {
    raft_member member;
    bool in_group = false;
    int64_t heard_ms = 0;
  };
  std::map<node_id, acquaintance> known;  ///< the other controllers
  std::map<node_id, raft_member> joining; ///< at the leader
  /// This node had a vote since it started: if it has none now, somebody took
  /// it, and it does not ask for it again.
  bool has_voted = false;
  /// Who asked for the change of a member that is under way.
  struct member_case {
    caf::strong_actor_ptr asker;
    uint64_t ticket;
  };
  std::optional<member_case> changing;
  int64_t next_hello_ms = 0;
  int64_t next_complaint_ms = 0;
  bool forming = false;
};

consensus_actor::behavior_type consensus(
  consensus_actor::stateful_pointer<consensus_state> self,
  consensus_options options);

/// Does what the core wants; called after every input.
void drain(consensus_actor::stateful_pointer<consensus_state> self);

} // namespace millrace
