#pragma once

// The claims of the Raft paper (figure 3) and what else must hold, checked
// after every event of a group of shells. The first violation is kept in
// words.

#include "tests/cluster/raft_shell.hpp"

#include <map>

namespace millrace::test {

class raft_invariants {
public:
  /// Empty while all is well.
  std::string violation;
  size_t elections = 0;
  size_t reads_checked = 0;
  size_t installed = 0;
  size_t joint_changes = 0;

  [[nodiscard]] uint64_t committed() const {
    return committed_.size();
  }
  /// The leader of the latest term so far.
  [[nodiscard]] std::optional<raft_member> last_leader() const {
    if (leaders_.empty())
      return std::nullopt;
    return leaders_.rbegin()->second;
  }
  /// The state machine's hash after entry `index`.
  [[nodiscard]] uint64_t hash_at(uint64_t index) const {
    return index == 0 ? raft_machine{}.hash : hashes_[index - 1];
  }

  /// Watches a shell from now on.
  void watch(raft_shell& shell) {
    shell.on_actions = [this](raft_shell& s, const raft_actions& actions) {
      see(s, actions);
    };
    shell.on_applied = [this](raft_shell& s, const raft_entry& entry) {
      see_applied(s, entry);
    };
  }

  /// A client asks: the answer must show what was committed by now.
  void see_read(uint64_t request) {
    read_floor_[request] = committed();
  }

  /// After every event at `s`.
  void check(const raft_shell& s, const std::vector<raft_shell*>& all) {
    if (!s.is_up()) {
      commit_seen_.erase(s.self());
      return;
    }
    check_leader(s);
    check_commit(s, all);
    for (const auto& message : s.outbox)
      see_message(s, message);
  }

private:
  void fail(const std::string& what) {
    if (violation.empty())
      violation = what;
  }

  static std::string name(const raft_shell& s) {
    return "member " + std::to_string(s.self().node.value);
  }

  // Election safety: at most one leader in a term (§5.2). Leader
  // completeness: it has everything that was committed (§5.4).
  void check_leader(const raft_shell& s) {
    const auto& core = s.core();
    if (core.role() != raft_role::leader)
      return;
    const auto [at, is_new] = leaders_.try_emplace(core.term(), s.self());
    if (at->second != s.self())
      fail("two leaders in term " + std::to_string(core.term()));
    if (!is_new)
      return;
    ++elections;
    // What was committed in this term or later may be missing in a leader that
    // did not know yet that it was elected.
    auto last = committed();
    while (last > 0 && commit_terms_[last - 1] >= core.term())
      --last;
    if (last > 0 && last >= core.log().start().index
        && core.log().term_at(last) != committed_[last - 1].term)
      fail(
        name(s) + " leads without the committed entry " + std::to_string(last));
  }

  // Nothing committed is ever lost or replaced, and the commit index never
  // falls. Committed is: durable on a majority, of each half if joint.
  void check_commit(const raft_shell& s, const std::vector<raft_shell*>& all) {
    auto& seen = commit_seen_[s.self()];
    const auto& log = s.core().log();
    if (log.committed() < seen)
      fail(name(s) + "'s commit index fell");
    // §5.4.2: copies of an older term's entry are not counted.
    if (log.committed() > seen && s.core().role() == raft_role::leader
        && log.term_at(log.committed()) != s.core().term())
      fail(name(s) + " counts the copies of an older term's entry");
    for (auto i = std::max(seen + 1, log.start().index); i <= log.committed();
      ++i) {
      if (i == 0)
        continue;
      const raft_position p{*log.term_at(i), i};
      if (i <= committed()) {
        if (committed_[i - 1] != p)
          fail(name(s) + " has committed another entry " + std::to_string(i));
        continue;
      }
      committed_.push_back(p);
      commit_terms_.push_back(s.core().term());
      // One event may commit under a configuration and begin the next one.
      if (!is_durable(configuration_seen_[s.self()], p, all)
          && !is_durable(s.core().configuration(), p, all))
        fail("entry " + std::to_string(i)
             + " is committed and not on a majority's disks");
    }
    seen = log.committed();
    configuration_seen_[s.self()] = s.core().configuration();
  }

  static bool is_durable(const raft_configuration& configuration,
    raft_position p, const std::vector<raft_shell*>& all) {
    const auto is_held = [&](const std::vector<raft_member>& voters) {
      size_t count = 0;
      for (const auto* s : all)
        if (std::find(voters.begin(), voters.end(), s->self()) != voters.end()
            && s->disk.holds(p))
          ++count;
      return count * 2 > voters.size();
    };
    return is_held(configuration.voters)
           && (!configuration.is_joint() || is_held(configuration.outgoing));
  }

  void see(raft_shell& s, const raft_actions& actions) {
    if (actions.write) {
      // Leader append-only (§5.3).
      if (actions.write->truncate_from && s.core().role() == raft_role::leader)
        fail(name(s) + " leads and cuts its log");
      for (const auto& entry : actions.write->entries)
        see_entry(s, entry);
    }
    installed += actions.install.has_value();
    for (const auto& ready : actions.reads) {
      ++reads_checked;
      const auto at = read_floor_.find(ready.request);
      if (at != read_floor_.end() && ready.index < at->second)
        fail(name(s) + " reads at " + std::to_string(ready.index)
             + " what was at " + std::to_string(at->second));
    }
  }

  // Log matching (§5.3): index and term tell the entry and, through the one
  // before, the whole log up to it.
  void see_entry(const raft_shell& s, const raft_entry& entry) {
    const auto before = s.core().log().term_at(entry.index - 1);
    const seen_entry now{std::string{entry.payload.text()}, before};
    const auto [at, is_new]
      = entries_.try_emplace({entry.index, entry.term}, now);
    if (is_new) {
      joint_changes += entry.kind == raft_entry_kind::configuration
                       && decode_raft_configuration(entry.payload)->is_joint();
      return;
    }
    if (at->second.payload != now.payload)
      fail("two entries " + std::to_string(entry.index) + " of one term");
    if (before && at->second.previous_term
        && *before != *at->second.previous_term)
      fail("logs with the same entry " + std::to_string(entry.index)
           + " differ below it");
    if (before)
      at->second.previous_term = before;
  }

  // State machine safety (§5.4.3).
  void see_applied(const raft_shell& s, const raft_entry& entry) {
    if (entry.index > hashes_.size()) {
      hashes_.push_back(s.machine.hash);
      applied_.push_back({entry.term, entry.index});
      return;
    }
    if (applied_[entry.index - 1].term != entry.term
        || hashes_[entry.index - 1] != s.machine.hash)
      fail(name(s) + " applies another entry " + std::to_string(entry.index));
  }

  void see_message(const raft_shell& s, const raft_message& m) {
    // One vote in a term, and never forgotten (figure 2, R23).
    const auto vote = [&](uint64_t term, const raft_member& candidate) {
      const auto [at, is_new] = votes_.try_emplace({term, m.from}, candidate);
      if (at->second != candidate)
        fail(name(s) + " votes twice in term " + std::to_string(term));
      if (s.disk.vote.term < term
          || (s.disk.vote.term == term && s.disk.vote.voted_for != candidate))
        fail(name(s) + " votes before its vote is durable");
    };
    if (const auto* asked = std::get_if<raft_vote_request>(&m.body);
      asked && !asked->pre_vote)
      vote(asked->term, m.from);
    if (const auto* given = std::get_if<raft_vote_answer>(&m.body);
      given && !given->pre_vote && given->granted)
      vote(given->term, m.to);
    // What is acknowledged is on disk.
    if (const auto* done = std::get_if<raft_append_answer>(&m.body);
      done && done->success && s.disk.last_index() < done->match)
      fail(name(s) + " acknowledges what is not on its disk");
  }

  struct seen_entry {
    std::string payload;
    std::optional<uint64_t> previous_term;
  };

  std::map<uint64_t, raft_member> leaders_; // by term
  std::map<std::pair<uint64_t, uint64_t>, seen_entry> entries_;
  std::map<std::pair<uint64_t, raft_member>, raft_member> votes_;
  std::map<uint64_t, uint64_t> read_floor_;
  std::map<raft_member, uint64_t> commit_seen_;
  std::map<raft_member, raft_configuration> configuration_seen_;
  std::vector<raft_position> committed_;
  std::vector<uint64_t> commit_terms_; // when each was committed
  std::vector<raft_position> applied_;
  std::vector<uint64_t> hashes_;
};

} // namespace millrace::test
