#pragma once

// A shell around one raft_core: a disk in memory that loses what was not
// synced, and a state machine that is a chain of hashes. What the core wants
// to send lies in `outbox`; what it wants written waits in two queues until
// write_one() or write_all(), so that a test decides what a crash loses.

#include "cluster/raft_core.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace millrace::test {

inline raft_member member_of(int32_t node, uint64_t directory = 1) {
  return {{node}, {directory, static_cast<uint64_t>(node)}};
}

inline std::vector<raft_member> members(std::initializer_list<int32_t> nodes) {
  std::vector<raft_member> all;
  for (const auto node : nodes)
    all.push_back(member_of(node));
  return all;
}

/// What the state machine has seen: a hash over all commands, in order.
struct raft_machine {
  uint64_t applied = 0;
  uint64_t hash = 0x9e3779b97f4a7c15;

  void apply(const raft_entry& entry) {
    applied = entry.index;
    if (entry.kind != raft_entry_kind::command)
      return;
    for (const auto c : entry.payload.text())
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;
  }
  /// Long enough for several chunks.
  [[nodiscard]] std::string snapshot() const {
    auto text = std::to_string(applied) + " " + std::to_string(hash);
    text.resize(40, '.');
    return text;
  }
  static raft_machine from_snapshot(const std::string& text) {
    raft_machine machine;
    size_t used = 0;
    machine.applied = std::stoull(text, &used);
    machine.hash = std::stoull(text.substr(used));
    return machine;
  }
};

/// What survives a crash.
struct raft_disk {
  raft_vote vote;
  raft_snapshot_head snapshot;
  raft_machine machine; // as of the snapshot
  raft_position log_start;
  std::vector<raft_entry> entries; // follow on log_start

  [[nodiscard]] uint64_t last_index() const {
    return log_start.index + entries.size();
  }
  [[nodiscard]] const raft_entry* find(uint64_t index) const {
    if (index <= log_start.index || index > last_index())
      return nullptr;
    return &entries[index - log_start.index - 1];
  }
  [[nodiscard]] bool holds(raft_position p) const {
    if (p.index <= log_start.index)
      return true; // a snapshot does
    const auto* entry = find(p.index);
    return entry && entry->term == p.term;
  }
};

class raft_shell {
public:
  using trace_function = std::function<void(const std::string&)>;

  raft_shell(const raft_options& options, const raft_member& self,
    const raft_configuration& first)
      : self_(self), options_(options) {
    disk.snapshot.configuration = first;
  }

  /// Starts from what is on disk. @param now_ms of the member's clock
  void start(uint64_t seed, int64_t now_ms) {
    raft_restart restart{.vote = disk.vote,
      .snapshot = disk.snapshot,
      .applied = disk.snapshot.last.index,
      .log_start = disk.log_start};
    for (const auto& entry : disk.entries)
      MILLRACE_ASSERT(restart.add(entry).ok(), "what was written can be read");
    machine = disk.machine;
    core_ = std::make_unique<raft_core>(options_, self_, restart, seed);
    core_->tick(now_ms);
    drain();
  }
  /// Everything that was not written is lost.
  void crash() {
    core_.reset();
    votes_.clear();
    writes_.clear();
    outbox.clear();
    received_.clear();
  }
  [[nodiscard]] bool is_up() const {
    return core_ != nullptr;
  }
  [[nodiscard]] raft_core& core() {
    return *core_;
  }
  [[nodiscard]] const raft_core& core() const {
    return *core_;
  }
  [[nodiscard]] const raft_member& self() const {
    return self_;
  }

  /// Whether something waits for the disk.
  [[nodiscard]] bool is_writing() const {
    return !votes_.empty() || !writes_.empty();
  }
  /// Writes the oldest vote, or else the oldest of the rest.
  void write_one(bool vote_first = true) {
    auto& queue
      = !votes_.empty() && (vote_first || writes_.empty()) ? votes_ : writes_;
    const auto job = std::move(queue.front());
    queue.pop_front();
    job();
    drain();
  }
  void write_all() {
    while (is_up() && is_writing())
      write_one();
  }

  /// Does what the core wants. Called after every input.
  void drain() {
    while (core_) {
      auto actions = core_->take();
      if (on_actions)
        on_actions(*this, actions);
      run(actions);
      if (actions.entries_wanted.empty() && actions.chunks_wanted.empty())
        return;
      for (const auto& wanted : actions.entries_wanted)
        read_entries(wanted);
      for (const auto& wanted : actions.chunks_wanted)
        read_chunk(wanted);
    }
  }

  /// Takes a snapshot of all that is applied, when the disk comes to it.
  void take_snapshot() {
    writes_.push_back([this, m = machine] {
      if (m.applied <= disk.snapshot.last.index)
        return;
      disk.snapshot = {{*core_->log().term_at(m.applied), m.applied},
        core_->configuration_at(m.applied)};
      disk.machine = m;
      tell("takes a snapshot to " + std::to_string(m.applied));
      core_->snapshot_taken(m.applied);
    });
  }

  raft_disk disk;
  raft_machine machine;
  std::vector<raft_message> outbox;
  std::vector<raft_read_ready> reads;
  std::vector<uint64_t> failed_reads;
  std::optional<raft_refusal> change_ended;
  /// Sees everything before it is done.
  std::function<void(raft_shell&, const raft_actions&)> on_actions;
  std::function<void(raft_shell&, const raft_entry&)> on_applied;
  trace_function trace;

private:
  void tell(const std::string& what) const {
    if (trace)
      trace(std::to_string(self_.node.value) + " " + what);
  }

  static std::string list(const std::vector<raft_entry>& entries) {
    std::string all;
    for (const auto& e : entries) {
      all += " " + std::to_string(e.index) + "/t" + std::to_string(e.term);
      if (e.kind == raft_entry_kind::configuration)
        all += "=" + to_string(*decode_raft_configuration(e.payload));
    }
    return all;
  }

  void run(raft_actions& actions) {
    if (actions.role)
      tell("is " + std::string{to_string(actions.role->role)} + " t"
           + std::to_string(actions.role->term)
           + (actions.role->leader && actions.role->role == raft_role::follower
                ? " of " + std::to_string(actions.role->leader->node.value)
                : ""));
    if (actions.vote)
      votes_.push_back([this, vote = *actions.vote] {
        disk.vote = vote;
        tell("stores t" + std::to_string(vote.term)
             + (vote.voted_for
                  ? ", vote for " + std::to_string(vote.voted_for->node.value)
                  : ""));
        core_->vote_persisted(vote);
      });
    if (actions.write)
      writes_.push_back([this, write = std::move(*actions.write)] {
        if (write.truncate_from) {
          tell("cuts from " + std::to_string(*write.truncate_from));
          disk.entries.resize(*write.truncate_from - disk.log_start.index - 1);
        }
        disk.entries.insert(
          disk.entries.end(), write.entries.begin(), write.entries.end());
        tell("writes" + list(write.entries));
        core_->persisted(write.number);
      });
    if (actions.committed)
      apply(*actions.committed);
    for (auto& message : actions.messages)
      outbox.push_back(std::move(message));
    for (const auto& ready : actions.reads) {
      tell("may read " + std::to_string(ready.request) + " at "
           + std::to_string(ready.index));
      reads.push_back(ready);
    }
    for (const auto request : actions.failed_reads) {
      tell("cannot read " + std::to_string(request));
      failed_reads.push_back(request);
    }
    for (const auto& chunk : actions.store_chunks) {
      if (chunk.position == 0)
        received_.clear();
      received_ += chunk.bytes.text();
    }
    if (actions.install)
      writes_.push_back([this, head = *actions.install, bytes = received_] {
        disk.snapshot = head;
        disk.machine = machine = raft_machine::from_snapshot(bytes);
        disk.log_start = head.last;
        disk.entries.clear();
        tell("installs the snapshot to " + std::to_string(head.last.index));
        core_->snapshot_installed();
      });
    if (actions.snapshot_due)
      take_snapshot();
    if (actions.drop_through)
      writes_.push_back([this, to = *actions.drop_through] {
        if (to.index <= disk.log_start.index)
          return;
        tell("drops the log up to " + std::to_string(to.index));
        const auto count
          = static_cast<ptrdiff_t>(to.index - disk.log_start.index);
        disk.entries.erase(disk.entries.begin(), disk.entries.begin() + count);
        disk.log_start = to;
      });
    if (actions.change_ended) {
      tell("ends the change: " + std::string{to_string(*actions.change_ended)});
      change_ended = actions.change_ended;
    }
  }

  void apply(const raft_range& range) {
    tell("commits " + std::to_string(range.first)
         + (range.last > range.first ? ".." + std::to_string(range.last) : ""));
    for (auto i = range.first; i <= range.last; ++i) {
      const auto* entry = disk.find(i);
      MILLRACE_ASSERT(entry, "what is told to be committed is on disk (R20)");
      machine.apply(*entry);
      if (on_applied)
        on_applied(*this, *entry);
    }
  }

  void read_entries(const raft_entries_wanted& wanted) {
    std::vector<raft_entry> entries;
    size_t bytes = 0;
    for (auto i = wanted.range.first; i <= wanted.range.last; ++i) {
      const auto* entry = disk.find(i);
      if (!entry || (bytes > 0 && bytes > wanted.bytes_max))
        break;
      bytes += entry->payload.size();
      entries.push_back(*entry);
    }
    core_->entries_read(wanted.peer, entries);
  }

  void read_chunk(const raft_chunk_wanted& wanted) {
    const auto bytes = disk.machine.snapshot();
    const auto from = wanted.last == disk.snapshot.last ? wanted.position : 0;
    const auto part = bytes.substr(from, wanted.bytes_max);
    core_->snapshot_read(
      wanted.peer, {.last = disk.snapshot.last,
                     .configuration = disk.snapshot.configuration,
                     .position = from,
                     .done = from + part.size() == bytes.size(),
                     .bytes = shared_bytes::copy_of(std::string_view{part})});
  }

  raft_member self_;
  raft_options options_;
  std::unique_ptr<raft_core> core_;
  std::deque<std::function<void()>> votes_;
  std::deque<std::function<void()>> writes_;
  std::string received_;
};

} // namespace millrace::test
