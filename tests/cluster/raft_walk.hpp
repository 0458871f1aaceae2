#pragma once

// A seeded random walk of a group: messages are lost, doubled, delayed and
// reordered, links are cut, members crash and lose what was not written, are
// paused, added and removed; then everything is healed and the group must
// make progress.

#include "tests/cluster/raft_invariants.hpp"

#include <random>

namespace millrace::test {

enum class raft_walk_mood : uint8_t {
  mixed,    ///< a little of everything, in proportions of the seed's own
  restless, ///< leaders that last for a few messages (figure 8)
  churning, ///< changes of the members while the group is split
  split,    ///< halves that do not know of each other, and many reads
};

struct raft_walk_options {
  int members = 3; ///< voters at the start
  int spares = 2;  ///< may be added
  int steps = 800;
  size_t loss_percent = 5;
  bool crashes = true;
  bool changes = true;
  raft_walk_mood mood = raft_walk_mood::mixed;
};

/// Groups of 3, 5 and 7, some without losses, crashes or changes.
inline raft_walk_options walk_options_for(uint64_t seed) {
  raft_walk_options options;
  options.members = 3 + 2 * static_cast<int>(seed / 6 % 3);
  options.loss_percent = seed % 4 == 0 ? 0 : 5;
  options.crashes = seed % 5 != 0;
  options.changes = seed % 7 != 0;
  static constexpr raft_walk_mood moods[]
    = {raft_walk_mood::mixed, raft_walk_mood::restless, raft_walk_mood::mixed,
      raft_walk_mood::churning, raft_walk_mood::mixed, raft_walk_mood::split};
  options.mood = moods[seed % std::size(moods)];
  return options;
}

class raft_walk {
public:
  raft_walk(uint64_t seed, const raft_walk_options& options)
      : options_(options), random_(seed) {
    raft_configuration first;
    for (int i = 1; i <= options.members; ++i)
      first.voters.push_back(member_of(i));
    core_options_ = {.heartbeat_ms = 10,
      .learner_heartbeat_ms = 25,
      .election_ms = 60,
      .tick_gap_ms_max = 30,
      .disk_stall_ms = 150,
      .append_bytes_max
      = options.mood == raft_walk_mood::restless ? 1 : 8 + below(40),
      .inflight_bytes_max = 64,
      .inflight_count_max = 4,
      .pending_bytes_max = 4'000,
      .memory_bytes_max = below(64),
      .chunk_bytes_max = 16,
      .snapshot_entries = 10 + below(60),
      .kept_entries = below(8),
      .catch_up_ms = 2'000};
    mix();
    const auto count = options.members + options.spares;
    for (int i = 1; i <= count; ++i) {
      auto& shell
        = shells_.emplace_back(std::make_unique<raft_shell>(core_options_,
          member_of(i), i <= options.members ? first : raft_configuration{}));
      all_.push_back(shell.get());
      invariants.watch(*shell);
      shell->start(random_(), 0);
    }
    paused_until_.resize(static_cast<size_t>(count));
    cut_.assign(static_cast<size_t>(count),
      std::vector<bool>(static_cast<size_t>(count)));
  }

  /// Called with a line for whatever happens.
  raft_shell::trace_function trace;
  void set_trace(const raft_shell::trace_function& function) {
    trace = function;
    for (auto* s : all_)
      s->trace = function;
  }

  raft_invariants invariants;
  size_t delivered = 0;
  size_t crashes = 0;
  size_t acknowledged = 0;

  /// Both phases. False with `violation` set when something is wrong.
  bool run() {
    for (int i = 0; i < options_.steps && fine(); ++i)
      step();
    if (fine())
      heal();
    return fine();
  }

private:
  [[nodiscard]] bool fine() const {
    return invariants.violation.empty();
  }
  size_t below(size_t bound) {
    return random_() % bound;
  }
  bool chance(size_t percent) {
    return below(100) < percent;
  }
  size_t any() {
    return below(all_.size());
  }
  [[nodiscard]] bool runs(size_t i) const {
    return all_[i]->is_up() && paused_until_[i] <= now_;
  }
  static size_t place_of(const raft_member& m) {
    return static_cast<size_t>(m.node.value - 1);
  }

  /// After every input to member i.
  void after(size_t i) {
    all_[i]->drain();
    invariants.check(*all_[i], all_);
    for (auto& message : all_[i]->outbox)
      post(std::move(message));
    all_[i]->outbox.clear();
  }

  void post(raft_message message) {
    if (chance(loss_percent_))
      return;
    if (chance(loss_percent_))
      network_.push_back(message); // twice
    network_.push_back(std::move(message));
  }

  struct deed {
    size_t weight;
    void (raft_walk::*act)();
  };

  /// Every walk has its own mixture, so that some do little but crash, or
  /// stand, or wait for the disk.
  void mix() {
    deeds_ = {
      {500, &raft_walk::deliver_some},
      {250, &raft_walk::write},
      {30, &raft_walk::start},
      {20, &raft_walk::unite},
    };
    const deed varied[] = {
      {120, &raft_walk::pass_some_time},
      {50, &raft_walk::propose},
      {25, &raft_walk::read},
      {10, &raft_walk::stand},
      {options_.crashes ? 6u : 0u, &raft_walk::crash},
      {6, &raft_walk::pause},
      {6, &raft_walk::cut},
      {options_.changes ? 25u : 0u, &raft_walk::change_members},
      {16, &raft_walk::transfer},
      {8, &raft_walk::snapshot},
    };
    for (auto d : varied) {
      static constexpr size_t factors[] = {1, 1, 1, 3, 6};
      d.weight *= factors[below(std::size(factors))];
      deeds_.push_back(d);
    }
    if (options_.mood == raft_walk_mood::restless)
      deeds_ = {{300, &raft_walk::deliver_one}, {300, &raft_walk::write},
        {60, &raft_walk::pass_some_time}, {20, &raft_walk::propose},
        {20, &raft_walk::crash}, {30, &raft_walk::start}, {10, &raft_walk::cut},
        {30, &raft_walk::unite}};
    else if (options_.mood == raft_walk_mood::churning)
      deeds_ = {{500, &raft_walk::deliver_some}, {250, &raft_walk::write},
        {70, &raft_walk::pass_some_time}, {30, &raft_walk::propose},
        {40, &raft_walk::change_members}, {12, &raft_walk::secede},
        {20, &raft_walk::unite}, {10, &raft_walk::stand},
        {3, &raft_walk::crash}, {30, &raft_walk::start}};
    else if (options_.mood == raft_walk_mood::split)
      deeds_ = {{500, &raft_walk::deliver_some}, {250, &raft_walk::write},
        {100, &raft_walk::pass_some_time}, {60, &raft_walk::propose},
        {40, &raft_walk::read}, {12, &raft_walk::split},
        {15, &raft_walk::unite}, {10, &raft_walk::stand},
        {25, &raft_walk::pause}};
    for (const auto& d : deeds_)
      weights_ += d.weight;
  }

  void step() {
    auto dice = below(weights_);
    for (const auto& d : deeds_) {
      if (dice < d.weight)
        return (this->*d.act)();
      dice -= d.weight;
    }
  }

  /// Mostly one that leads, or believes so.
  size_t some_leader() {
    const auto first = any();
    for (size_t n = 0; n < all_.size() && chance(95); ++n) {
      const auto i = (first + n) % all_.size();
      if (runs(i) && all_[i]->core().role() == raft_role::leader)
        return i;
    }
    return first;
  }

  /// Faults are worst for leaders.
  size_t some_victim() {
    return chance(50) ? some_leader() : any();
  }

  void deliver_one() {
    deliver(1);
  }
  void deliver_some() {
    deliver(1 + below(6));
  }
  void deliver(size_t count) {
    for (; count > 0 && !network_.empty() && fine(); --count) {
      // Mostly in order, now and then not.
      const auto at
        = chance(80) ? 0 : below(std::min<size_t>(network_.size(), 20));
      const auto message = std::move(network_[at]);
      network_.erase(network_.begin() + static_cast<ptrdiff_t>(at));
      const auto to = place_of(message.to);
      if (cut_[place_of(message.from)][to] || !all_[to]->is_up())
        continue;
      if (!runs(to)) {
        network_.push_back(message); // waits for it
        continue;
      }
      ++delivered;
      if (trace)
        trace(to_string(message));
      all_[to]->core().step(message);
      after(to);
    }
  }

  void write() {
    const auto i = any();
    for (auto n = 1 + below(3); n > 0 && runs(i) && all_[i]->is_writing();
      --n) {
      all_[i]->write_one(chance(50));
      after(i);
    }
  }

  void pass_some_time() {
    pass_time(1 + static_cast<int64_t>(below(chance(90) ? 4 : 40)));
  }
  void pass_time(int64_t ms) {
    now_ += ms;
    for (size_t i = 0; i < all_.size() && fine(); ++i)
      if (runs(i)) {
        all_[i]->core().tick(now_);
        after(i);
      }
  }

  void propose() {
    propose(some_leader());
  }
  void propose(size_t i) {
    if (!runs(i))
      return;
    std::vector<shared_bytes> payloads;
    for (auto n = 1 + below(3); n > 0; --n)
      payloads.push_back(
        shared_bytes::copy_of(std::string_view{std::to_string(++proposed_)}));
    const auto done = all_[i]->core().propose(payloads);
    acknowledged += done.refused == raft_refusal::none;
    after(i);
  }

  void read() {
    const auto i = chance(50) ? some_leader() : some_deposed_leader();
    if (!all_[i]->is_up())
      return;
    paused_until_[i] = now_; // if it was: it wakes up and is asked
    invariants.see_read(++requests_);
    (void)all_[i]->core().read(requests_);
    after(i);
  }

  /// One that has a successor and does not know it, if there is any.
  size_t some_deposed_leader() {
    for (size_t i = 0; i < all_.size(); ++i)
      if (const auto* s = all_[i]; s->is_up()
                                   && s->core().role() == raft_role::leader
                                   && invariants.last_leader() != s->self())
        return i;
    return some_leader();
  }

  void stand() {
    const auto i = any();
    if (!runs(i))
      return;
    all_[i]->core().campaign();
    after(i);
  }

  void crash() {
    const auto i = some_victim();
    if (!all_[i]->is_up())
      return;
    ++crashes;
    if (trace)
      trace(std::to_string(i + 1) + " crashes");
    all_[i]->crash();
    invariants.check(*all_[i], all_);
  }

  void start() {
    const auto first = any();
    for (size_t n = 0; n < all_.size(); ++n)
      if (const auto i = (first + n) % all_.size(); !all_[i]->is_up())
        return start(i);
  }
  void start(size_t i) {
    if (all_[i]->is_up())
      return;
    if (trace)
      trace(std::to_string(i + 1) + " starts");
    all_[i]->start(random_(), now_);
    after(i);
  }

  void pause() {
    const bool is_long = options_.mood == raft_walk_mood::split;
    paused_until_[some_victim()]
      = now_ + static_cast<int64_t>(below(is_long ? 500 : 150));
  }

  /// Cuts one link one way, or a member off.
  void cut() {
    const auto from = some_victim();
    if (chance(50)) {
      cut_[from][any()] = true;
      return;
    }
    for (size_t to = 0; to < all_.size(); ++to)
      cut_[from][to] = cut_[to][from] = true;
  }

  /// Two parts that do not hear each other, the leader often in the smaller.
  void split() {
    const auto leader = some_leader();
    std::vector<bool> side(all_.size());
    for (size_t i = 0; i < all_.size(); ++i)
      side[i] = chance(60);
    side[leader] = chance(30);
    split(side);
  }

  /// The leader's side wants to be the whole group.
  void secede() {
    const auto leader = some_leader();
    std::vector<bool> side(all_.size());
    std::vector<raft_member> voters;
    for (size_t i = 0; i < all_.size(); ++i) {
      side[i] = i == leader || chance(50);
      if (side[i])
        voters.push_back(all_[i]->self());
    }
    if (runs(leader)) {
      (void)all_[leader]->core().change_members(voters, {});
      after(leader);
    }
    split(side);
  }

  void split(const std::vector<bool>& side) {
    for (size_t from = 0; from < all_.size(); ++from)
      for (size_t to = 0; to < all_.size(); ++to)
        if (side[from] != side[to])
          cut_[from][to] = true;
  }

  void unite() {
    for (auto& row : cut_)
      row.assign(row.size(), false);
  }

  void change_members() {
    const auto i = some_leader();
    if (!runs(i))
      return;
    std::vector<raft_member> voters;
    std::vector<raft_member> learners;
    // Often few voters, so that old and new majorities need not meet.
    const auto share = chance(50) ? 40 : 75;
    for (const auto* s : all_) {
      if (chance(share))
        voters.push_back(s->self());
      else if (chance(90))
        learners.push_back(s->self());
    }
    (void)all_[i]->core().change_members(voters, learners);
    after(i);
  }

  void transfer() {
    const auto i = some_leader();
    if (!runs(i))
      return;
    (void)all_[i]->core().transfer(all_[any()]->self());
    after(i);
  }

  void snapshot() {
    const auto i = any();
    if (!runs(i))
      return;
    all_[i]->take_snapshot();
    after(i);
  }

  /// Liveness: with everybody up and connected, a leader is found, a new
  /// command is committed, and every member of the group applies it.
  void heal() {
    unite();
    loss_percent_ = 0;
    paused_until_.assign(all_.size(), 0);
    for (size_t i = 0; i < all_.size(); ++i)
      start(i);
    std::optional<uint64_t> goal;
    for (int round = 0; round < 600 && fine(); ++round) {
      pass_time(10);
      for (size_t i = 0; i < all_.size() && fine(); ++i)
        while (all_[i]->is_writing() && fine()) {
          all_[i]->write_one();
          after(i);
        }
      deliver(network_.size());
      const auto* leader = the_leader();
      if (!leader)
        continue;
      if (!goal || *goal > leader->core().log().last_index()) {
        // Asked once there is a leader; a new one may have lost it.
        const auto at = place_of(leader->self());
        propose(at);
        goal = all_[at]->core().log().last_index();
      }
      if (everybody_applied(*leader, *goal))
        return;
    }
    if (fine())
      invariants.violation = "a healed group makes no progress";
  }

  [[nodiscard]] const raft_shell* the_leader() const {
    const raft_shell* found = nullptr;
    for (const auto* s : all_)
      if (s->core().role() == raft_role::leader
          && (!found || s->core().term() > found->core().term()))
        found = s;
    return found;
  }

  [[nodiscard]] bool everybody_applied(
    const raft_shell& leader, uint64_t goal) const {
    const auto group = members_of(leader.core().configuration());
    for (const auto* s : all_)
      if (group.contains(s->self())
          && (s->machine.applied < goal
              || s->machine.hash != invariants.hash_at(s->machine.applied)))
        return false;
    return !leader.core().configuration().is_joint();
  }

  raft_walk_options options_;
  std::mt19937_64 random_;
  std::vector<deed> deeds_;
  size_t weights_ = 0;
  raft_options core_options_;
  std::vector<std::unique_ptr<raft_shell>> shells_;
  std::vector<raft_shell*> all_;
  std::vector<raft_message> network_;
  std::vector<int64_t> paused_until_;
  std::vector<std::vector<bool>> cut_;
  size_t loss_percent_ = options_.loss_percent;
  int64_t now_ = 0;
  uint64_t proposed_ = 0;
  uint64_t requests_ = 0;
};

} // namespace millrace::test
