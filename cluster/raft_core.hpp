#pragma once

// One member of a Raft group as a deterministic state machine: messages, time
// and the disk's answers go in, raft_actions come out. No clock, no thread,
// no IO, and randomness only from the seed, so that a run is repeated exactly.
// docs/consensus.md explains the protocol and how a shell drives this class.
//
// Every public function but the questions may change what take() returns.
// Section numbers are those of the Raft paper (extended version), "thesis" is
// Ongaro's.

#include "cluster/raft_actions.hpp"
#include "cluster/raft_configurations.hpp"
#include "cluster/raft_options.hpp"
#include "cluster/raft_progress.hpp"
#include "cluster/raft_quorum.hpp"
#include "cluster/raft_restart.hpp"

#include <map>
#include <random>
#include <span>

namespace millrace {

/// Where a proposal went. It is committed when the entry at `last` is told
/// with this term, and lost when another entry is told there.
struct raft_proposal {
  raft_refusal refused = raft_refusal::none;
  raft_position last; ///< of the last payload's entry
};

class raft_core {
public:
  /// @param seed draws the election time-outs: another one for each member
  raft_core(const raft_options& options, const raft_member& self,
    const raft_restart& restart, uint64_t seed);

  /// Time passes. @param now_ms never goes back. What passed since the last
  /// tick counts as silence up to tick_gap_ms_max only: after a pause the
  /// messages that wait are read first.
  void tick(int64_t now_ms);
  /// A message came. What is for another directory, stale or doubled changes
  /// nothing. Precondition: payloads of configurations can be decoded.
  void step(const raft_message& message);

  /// Appends entries to the leader's log. @param payloads at least one
  raft_proposal propose(std::span<const shared_bytes> payloads);
  /// A linearizable read (§8, thesis 6.4): ends in actions' reads or
  /// failed_reads. Reads between two take() share a round of heartbeats.
  raft_refusal read(uint64_t request);
  /// Hands leadership over (thesis 3.10). Proposals are refused until `to`
  /// leads or election_ms are over.
  raft_refusal transfer(const raft_member& to);
  /// The voter, other than this one, whose log is longest; none without.
  [[nodiscard]] std::optional<raft_member> best_successor() const;
  /// Replaces the members: new voters learn until they have caught up, then
  /// C_old,new and C_new follow (§6). Ends in actions' change_ended.
  raft_refusal change_members(const std::vector<raft_member>& voters,
    const std::vector<raft_member>& learners);
  /// This one is what another member of its node has become. Was that one to
  /// get a vote, it will never catch up: the change ends with timed_out.
  void note_replaced_by(const raft_member& member);
  /// The leader's process is known to have ended: nobody is held back for
  /// having heard of it, and elections begin soon. Only a hint: a leader that
  /// lives after all goes on when it is heard again.
  void leader_gone();
  /// Stands for election as if the leader had been silent.
  void campaign();
  /// A leader begins a new term, with an election that the others do not hold
  /// back. For what counts within a term (R26). Nothing for others.
  void renew_term();

  /// The shell's answers to actions.
  void vote_persisted(const raft_vote& vote);
  void persisted(uint64_t write_number);
  void entries_read(
    const raft_member& peer, const std::vector<raft_entry>& entries);
  /// @param chunk its last, configuration, position, done and bytes
  void snapshot_read(const raft_member& peer, raft_snapshot_chunk chunk);
  void snapshot_installed();
  /// A snapshot that replaces everything up to `index` is durable, with
  /// configuration_at(index) in it. Precondition: told to be committed.
  void snapshot_taken(uint64_t index);

  /// What is to be done since the last time.
  [[nodiscard]] raft_actions take();

  [[nodiscard]] raft_role role() const {
    return role_;
  }
  [[nodiscard]] uint64_t term() const {
    return vote_.term;
  }
  [[nodiscard]] const std::optional<raft_member>& leader() const {
    return leader_;
  }
  [[nodiscard]] const raft_member& self() const {
    return self_;
  }
  [[nodiscard]] const raft_log& log() const {
    return log_;
  }
  [[nodiscard]] uint64_t committed() const {
    return log_.committed();
  }
  [[nodiscard]] const raft_configuration& configuration() const {
    return configurations_.current();
  }
  [[nodiscard]] const raft_configuration& configuration_at(
    uint64_t index) const {
    return configurations_.at(index);
  }
  /// The first entry of the own leadership; meaningless for others.
  [[nodiscard]] uint64_t leadership_index() const {
    return leadership_index_;
  }
  /// The time of tick(), without pauses: what heard_ms() is counted in.
  [[nodiscard]] int64_t now_ms() const {
    return now_ms_;
  }
  /// The leader's view of the others; empty on everybody else.
  [[nodiscard]] const std::map<raft_member, raft_progress>& peers() const {
    return peers_;
  }

private:
  // raft_core.cpp: terms, time, the log
  void send(const raft_member& to, raft_body body);
  void become_follower(uint64_t term, const std::optional<raft_member>& leader);
  void resign();
  void reset_election_timer();
  void follow(uint64_t term, const raft_member& leader, uint64_t round);
  void append_entry(raft_entry entry);
  void append_own(raft_entry_kind kind, shared_bytes payload);

  // raft_core_election.cpp (§5.2, §5.4.1, thesis 9.6, 4.2.3)
  void on_vote_request(const raft_member& from, const raft_vote_request& m);
  void on_vote_answer(const raft_member& from, const raft_vote_answer& m);
  void on_timeout_now(const raft_member& from, const raft_timeout_now& m);
  [[nodiscard]] bool may_stand() const;
  [[nodiscard]] bool hears_leader() const;
  void stand(bool pre_vote, bool transfer);
  void count_votes();
  void become_leader();

  // raft_core_follower.cpp (§5.3)
  void on_append(const raft_member& from, const raft_append_request& m);
  void take_entries(std::span<const raft_entry> entries);
  void answer_success();
  void answer_refusal(uint64_t refused, raft_position hint);
  [[nodiscard]] uint64_t agreed() const;

  // raft_core_leader.cpp (§5.3, §5.4.2, thesis 10.2.1)
  void on_append_answer(const raft_member& from, const raft_append_answer& m);
  void leader_tick();
  void replicate();
  void send_entries(const raft_member& to, raft_progress& peer);
  void send_append(const raft_member& to, raft_progress& peer,
    std::vector<raft_entry> entries);
  void beat();
  void advance_commit();
  void serve_reads();
  void hand_over();
  void check_own_disk();
  void check_quorum();

  // raft_core_members.cpp (§6)
  void on_committed();
  void advance_change();
  void end_change(raft_refusal how);
  [[nodiscard]] bool have_caught_up();
  void update_peers();

  // raft_core_snapshot.cpp (§7)
  void on_snapshot_chunk(const raft_member& from, const raft_snapshot_chunk& m);
  void on_snapshot_answer(
    const raft_member& from, const raft_snapshot_answer& m);
  void want_chunk(const raft_member& to, raft_progress& peer);
  [[nodiscard]] bool is_snapshot_due();

  struct pending_read {
    uint64_t request;
    uint64_t index; // to be applied first
    uint64_t round; // that proves leadership after the request
  };
  struct handover {
    raft_member to;
    int64_t deadline_ms;
    bool asked = false;
  };
  struct catch_up { // a round of thesis 4.2.1
    uint64_t target;
    int64_t began_ms;
    bool done = false;
  };
  struct change {
    std::vector<raft_member> voters;
    std::vector<raft_member> learners;
    int64_t deadline_ms;
    std::map<raft_member, catch_up> rounds;
  };
  struct incoming { // a snapshot that is being received
    uint64_t term;
    raft_snapshot_head head;
    uint64_t received = 0;
  };

  raft_options options_;
  raft_member self_;
  std::mt19937_64 random_;
  raft_log log_;
  raft_configurations configurations_;

  raft_vote vote_;
  raft_vote given_vote_;   // to the shell
  raft_vote durable_vote_; // nothing leaves while this lags behind vote_
  raft_role role_ = raft_role::follower;
  std::optional<raft_member> leader_;
  std::map<raft_member, int> votes_; // 1 yes, -1 no; of a candidate

  // Time without pauses.
  std::optional<int64_t> ticked_ms_;
  int64_t now_ms_ = 0;
  int64_t timer_ms_ = 0; // when the election timer was set
  int64_t timeout_ms_ = 0;
  int64_t leader_heard_ms_ = 0;

  // Of a follower, in this term.
  uint64_t matched_ = 0;      // as in the leader's log up to here
  uint64_t acknowledged_ = 0; // highest match told
  uint64_t leader_round_ = 0;
  std::optional<incoming> incoming_;
  bool installing_ = false;

  // Of a leader.
  std::map<raft_member, raft_progress> peers_;
  uint64_t leadership_index_ = 0; // of its first entry
  uint64_t round_ = 0;
  bool beat_due_ = false;
  int64_t beat_ms_ = 0;
  int64_t learner_beat_ms_ = 0;
  int64_t disk_moved_ms_ = 0; // the own disk was not behind, or moved
  uint64_t disk_moved_to_ = 0;
  int64_t quorum_checked_ms_ = 0;
  std::vector<pending_read> reads_;
  std::optional<handover> handover_;
  std::optional<change> change_;
  std::optional<uint64_t> settled_index_; // of the last committed change

  uint64_t snapshot_index_;
  bool snapshot_asked_ = false;
  std::vector<raft_message> messages_;
  raft_role_change told_role_;
  raft_actions actions_;
};

} // namespace millrace
