#include "actors/consensus_snapshot.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = consensus_actor::stateful_pointer<consensus_state>;

constexpr int64_t keep_snapshot_ms = 30'000;

void give_chunk(consensus_state& s, const raft_chunk_wanted& wanted) {
  const auto& whole = *s.outgoing;
  const bool goes_on = wanted.last == whole.head.last;
  const auto from = goes_on ? wanted.position : 0;
  const auto size
    = std::min<uint64_t>(wanted.bytes_max, whole.bytes.size() - from);
  s.core->snapshot_read(
    wanted.peer, {.last = whole.head.last,
                   .configuration = whole.head.configuration,
                   .position = from,
                   .done = from + size == whole.bytes.size(),
                   .bytes = whole.bytes.slice(from, size)});
}

/// One that is under way is gone on with; for another one the state as it is
/// now is best.
bool suits(const consensus_state& s, const raft_chunk_wanted& wanted) {
  return s.outgoing
         && (wanted.last
               ? *wanted.last == s.outgoing->head.last
               : s.outgoing->head.last.index >= s.core->log().start().index);
}

shared_bytes join(const std::vector<shared_bytes>& parts) {
  std::string all;
  for (const auto& part : parts)
    all += part.text();
  return shared_bytes::copy_of(std::string_view{all});
}

} // namespace

void on_snapshot_actions(self_pointer self, const raft_actions& actions) {
  auto& s = self->state;
  bool given = false;
  for (const auto& wanted : actions.chunks_wanted) {
    s.chunk_wanted_ms = monotonic_ms(*self);
    if (suits(s, wanted)) {
      give_chunk(s, wanted);
      given = true;
      continue;
    }
    s.chunks_wanted.push_back(wanted);
    if (!std::exchange(s.asked_for_state, true))
      tell(self, s.machine, state_wanted{});
  }
  for (const auto& chunk : actions.store_chunks) {
    if (chunk.position == 0)
      s.incoming.clear();
    s.incoming.push_back(chunk.bytes);
  }
  if (actions.install) {
    s.installing = actions.install->last;
    tell(self, s.machine,
      install_state{*actions.install, join(std::exchange(s.incoming, {}))});
  }
  if (actions.snapshot_due)
    tell(self, s.machine, snapshot_wanted{});
  if (actions.drop_through)
    tell(self, s.options.disk, drop_log{*actions.drop_through});
  if (given)
    drain(self);
}

void on_state_told(self_pointer self, const state_told& state_now) {
  auto& s = self->state;
  s.asked_for_state = false;
  s.outgoing = state_now;
  for (const auto& wanted : std::exchange(s.chunks_wanted, {}))
    give_chunk(s, wanted);
  drain(self);
}

void on_state_installed(self_pointer self) {
  auto& s = self->state;
  MILLRACE_ASSERT(s.installing.has_value(), "only what was given is installed");
  // The state is durable; the log starts behind it.
  tell(self, s.options.disk, drop_log{*s.installing});
}

void on_log_dropped(self_pointer self, const log_dropped& done) {
  auto& s = self->state;
  if (s.installing != done.last)
    return; // its beginning was let go, nothing more
  s.installing.reset();
  log::info("the {} has been brought to entry {} by a snapshot",
    s.options.group, done.last.index);
  s.core->snapshot_installed();
  drain(self);
}

void forget_old_snapshot(self_pointer self) {
  auto& s = self->state;
  if (s.outgoing && !s.asked_for_state
      && monotonic_ms(*self) - s.chunk_wanted_ms > keep_snapshot_ms)
    s.outgoing.reset();
}

} // namespace millrace
