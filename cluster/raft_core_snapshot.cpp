// Snapshots in chunks, one under way at a time: Raft §7.

#include "cluster/raft_core.hpp"
#include "schema/assert.hpp"

namespace millrace {

bool raft_core::is_snapshot_due() {
  if (snapshot_asked_
      || log_.told() < snapshot_index_ + options_.snapshot_entries)
    return false;
  snapshot_asked_ = true;
  return true;
}

void raft_core::snapshot_taken(uint64_t index) {
  MILLRACE_ASSERT(
    index <= log_.told(), "a snapshot holds what was told to be committed");
  snapshot_asked_ = false;
  if (index <= snapshot_index_)
    return;
  snapshot_index_ = index;
  auto last_dropped = index - std::min(options_.kept_entries, index);
  // A member that is receiving a snapshot needs the entries behind it.
  for (auto& [to, peer] : peers_)
    if (peer.state() == raft_progress_state::snapshot && peer.snapshot().last
        && now_ms_ - peer.heard_ms() < options_.election_ms)
      last_dropped = std::min(last_dropped, peer.snapshot().last->index);
  if (last_dropped <= log_.start().index)
    return;
  log_.drop_through(last_dropped);
  configurations_.drop_before(last_dropped);
  actions_.drop_through = log_.start();
}

void raft_core::want_chunk(const raft_member& to, raft_progress& peer) {
  auto& transfer = peer.snapshot();
  transfer.reading = true;
  transfer.since_ms = now_ms_;
  actions_.chunks_wanted.push_back(
    {to, transfer.last, transfer.position, options_.chunk_bytes_max});
}

void raft_core::snapshot_read(
  const raft_member& peer, raft_snapshot_chunk chunk) {
  const auto at = peers_.find(peer);
  if (at == peers_.end() || at->second.state() != raft_progress_state::snapshot)
    return;
  auto& transfer = at->second.snapshot();
  const bool goes_on = transfer.last == chunk.last;
  if (!transfer.reading || chunk.position != (goes_on ? transfer.position : 0))
    return;
  if (chunk.last.index < log_.start().index) {
    // The log has gone on: another snapshot, when the tick asks again.
    transfer = {.since_ms = now_ms_};
    return;
  }
  transfer = {.last = chunk.last,
    .position = chunk.position,
    .reading = false,
    .done = chunk.done,
    .since_ms = now_ms_};
  chunk.term = vote_.term;
  chunk.round = round_;
  send(peer, std::move(chunk));
}

void raft_core::on_snapshot_answer(
  const raft_member& from, const raft_snapshot_answer& m) {
  const auto at = peers_.find(from);
  if (m.term < vote_.term || at == peers_.end())
    return;
  auto& peer = at->second;
  peer.on_heard(now_ms_, m.round);
  auto& transfer = peer.snapshot();
  // The same position again is no news: the tick repeats a lost chunk.
  if (peer.state() != raft_progress_state::snapshot || transfer.reading
      || transfer.last != m.last || m.position == transfer.position)
    return;
  transfer.position = m.position;
  // After the last chunk only the member's answer to an append goes on. One
  // that has lost what it had received begins again.
  if (!transfer.done || m.position == 0)
    want_chunk(from, peer);
}

void raft_core::on_snapshot_chunk(
  const raft_member& from, const raft_snapshot_chunk& m) {
  if (m.term < vote_.term) {
    send(from, raft_append_answer{.term = vote_.term});
    return;
  }
  follow(m.term, from, m.round);
  const auto answer = [&](uint64_t position) {
    send(
      from, raft_snapshot_answer{vote_.term, m.last, position, leader_round_});
  };
  const raft_snapshot_head head{m.last, m.configuration};
  const bool goes_on
    = incoming_ && incoming_->term == m.term && incoming_->head == head;
  if (installing_)
    return answer(goes_on ? incoming_->received : 0);
  // §7: what the log holds already needs no snapshot, and is committed.
  if (m.last.index <= log_.committed() || log_.matches(m.last)) {
    incoming_.reset();
    log_.commit_to(std::max(log_.committed(), m.last.index));
    return answer_success();
  }
  if (!goes_on) {
    if (m.position != 0)
      return answer(0);
    incoming_ = incoming{m.term, head};
  }
  if (m.position != incoming_->received)
    return answer(incoming_->received); // doubled, or one was lost
  incoming_->received += m.bytes.size();
  actions_.store_chunks.push_back(m);
  answer(incoming_->received);
  if (m.done) {
    installing_ = true;
    actions_.install = head;
  }
}

void raft_core::snapshot_installed() {
  MILLRACE_ASSERT(installing_, "only what was received is installed");
  const auto head = incoming_->head;
  installing_ = false;
  incoming_.reset();
  snapshot_index_ = head.last.index;
  snapshot_asked_ = false;
  log_.restart_at(head.last);
  configurations_.restart_at(head.last.index, head.configuration);
  answer_success();
}

} // namespace millrace
