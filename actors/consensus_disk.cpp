#include "actors/consensus_disk.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer
  = consensus_disk_actor::stateful_pointer<consensus_disk_state>;

/// False, and the end of the actor, after an error.
bool is_done(self_pointer self, const result<void>& outcome, const char* what) {
  if (outcome)
    return true;
  log::error("the {} cannot be written: {}", what, to_string(outcome.error()));
  self->quit(caf::exit_reason::unhandled_exception);
  return false;
}

result<void> write(consensus_log& log, const raft_log_write& write) {
  if (write.truncate_from)
    MILLRACE_TRY(log.truncate_from(*write.truncate_from));
  std::vector<consensus_entry> entries;
  entries.reserve(write.entries.size());
  for (const auto& entry : write.entries)
    entries.push_back(to_consensus_entry(entry));
  return log.append(entries);
}

/// Nothing for what was dropped in between.
result<std::vector<raft_entry>> read(
  const consensus_log& log, const read_log& ask) {
  std::vector<raft_entry> found;
  if (ask.range.first < log.first_index())
    return found;
  auto entries = log.read(ask.range.first, ask.bytes_max);
  if (!entries)
    return entries.error();
  for (const auto& entry : *entries)
    if (entry.index <= ask.range.last)
      found.push_back(to_raft_entry(entry));
  return found;
}

} // namespace

consensus_entry to_consensus_entry(const raft_entry& entry) {
  return {
    entry.term, entry.index, static_cast<uint8_t>(entry.kind), entry.payload};
}

raft_entry to_raft_entry(const consensus_entry& entry) {
  return {entry.term, entry.index, static_cast<raft_entry_kind>(entry.type),
    entry.payload};
}

vote to_stored_vote(const raft_vote& given) {
  if (!given.voted_for)
    return {given.term, node_id{-1}, {}};
  return {given.term, given.voted_for->node, given.voted_for->directory};
}

raft_vote to_raft_vote(const vote& stored) {
  if (stored.voted_for == node_id{-1})
    return {stored.term, std::nullopt};
  return {stored.term, raft_member{stored.voted_for, stored.directory}};
}

consensus_disk_actor::behavior_type consensus_disk(
  self_pointer self, std::shared_ptr<std::unique_ptr<consensus_files>> files) {
  self->state.files = std::move(*files);
  return {
    [=](const write_log& message) {
      auto& s = self->state;
      if (!is_done(self, write(*s.files->log, message.write), "metadata log"))
        return;
      s.unsynced.push_back(message.write.number);
      if (s.unsynced.size() == 1)
        tell(self, self, sync_log{self->current_sender()});
    },
    [=](const sync_log& message) {
      auto& s = self->state;
      if (!is_done(self, s.files->log->sync(), "metadata log"))
        return;
      // The last one stands for all before it.
      tell(self, message.member, log_written{s.unsynced.back()});
      s.unsynced.clear();
    },
    [=](const store_vote& message) {
      auto& s = self->state;
      if (!is_done(
            self, s.files->votes.store(to_stored_vote(message.vote)), "vote"))
        return;
      tell(self, self->current_sender(), vote_stored{message.vote});
    },
    [=](const read_log& ask) {
      auto entries = read(*self->state.files->log, ask);
      if (entries) {
        tell(self, self->current_sender(),
          log_read{ask.ticket, std::move(*entries)});
        return;
      }
      log::error(
        "the metadata log cannot be read: {}", to_string(entries.error()));
      self->quit(caf::exit_reason::unhandled_exception);
    },
    [=](const drop_log& drop) {
      auto& s = self->state;
      if (!is_done(self,
            s.files->log->drop_before(drop.last.index + 1, drop.last.term),
            "metadata log"))
        return;
      tell(self, self->current_sender(), log_dropped{drop.last});
    },
  };
}

} // namespace millrace
