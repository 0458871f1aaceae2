#pragma once

// A few shells and the messages between them, for tests that say step by step
// what happens. Disks write at once unless `auto_write` is off.

#include "tests/cluster/raft_shell.hpp"

namespace millrace::test {

class raft_group {
public:
  explicit raft_group(int count, const raft_options& options = {}) {
    raft_configuration first;
    for (int i = 1; i <= count; ++i)
      first.voters.push_back(member_of(i));
    for (int i = 1; i <= count; ++i)
      shells_.push_back(
        std::make_unique<raft_shell>(options, member_of(i), first));
  }

  bool auto_write = true;
  std::vector<raft_message> network;

  /// Member i's log on disk, by the terms of its entries, before start().
  void set_log(int i, std::initializer_list<uint64_t> terms) {
    auto& entries = at(i).disk.entries;
    for (const auto term : terms)
      entries.push_back({term, entries.size() + 1, raft_entry_kind::command,
        shared_bytes::copy_of(std::string_view{"old"})});
  }
  void set_term(int i, uint64_t term) {
    at(i).disk.vote.term = term;
  }
  void start() {
    for (size_t i = 0; i < shells_.size(); ++i) {
      shells_[i]->start(i + 1, 0);
      collect(static_cast<int>(i + 1));
    }
  }

  raft_shell& at(int i) {
    return *shells_[static_cast<size_t>(i - 1)];
  }
  raft_core& core(int i) {
    return at(i).core();
  }
  [[nodiscard]] int size() const {
    return static_cast<int>(shells_.size());
  }

  /// After an input to member i.
  void collect(int i) {
    auto& s = at(i);
    s.drain();
    if (auto_write)
      s.write_all();
    for (auto& m : s.outbox)
      network.push_back(std::move(m));
    s.outbox.clear();
  }
  void step(const raft_message& m) {
    const auto to = m.to.node.value;
    if (!at(to).is_up())
      return;
    core(to).step(m);
    collect(to);
  }
  /// Delivers until nothing is under way, but nothing to those in `without`.
  void settle(const std::set<int>& without = {}) {
    while (!network.empty()) {
      for (const auto& m : std::exchange(network, {}))
        if (!without.contains(m.to.node.value)
            && !without.contains(m.from.node.value))
          step(m);
    }
  }
  void tick(int i, int64_t ms) {
    auto& clock = clocks_[i];
    for (const auto end = clock + ms; clock < end;) {
      clock = std::min(clock + 10, end);
      core(i).tick(clock);
      collect(i);
    }
  }
  void elect(int i, const std::set<int>& without = {}) {
    core(i).campaign();
    collect(i);
    settle(without);
  }
  raft_proposal propose(int i, std::string_view text) {
    const std::vector payloads{shared_bytes::copy_of(text)};
    const auto done = core(i).propose(payloads);
    collect(i);
    return done;
  }
  int leaders(uint64_t term) {
    int count = 0;
    for (auto& s : shells_)
      count += s->is_up() && s->core().role() == raft_role::leader
               && s->core().term() == term;
    return count;
  }

private:
  std::vector<std::unique_ptr<raft_shell>> shells_;
  std::map<int, int64_t> clocks_;
};

} // namespace millrace::test
