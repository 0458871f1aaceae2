#include "cluster/raft_progress.hpp"

#include <algorithm>

namespace millrace {

const char* to_string(raft_progress_state state) {
  switch (state) {
  case raft_progress_state::probe:
    return "probe";
  case raft_progress_state::replicate:
    return "replicate";
  case raft_progress_state::snapshot:
    return "snapshot";
  }
  return "unknown";
}

bool raft_progress::is_open(const raft_options& options) const {
  switch (state_) {
  case raft_progress_state::probe:
    return !probing_;
  case raft_progress_state::replicate:
    return inflight_bytes_ < options.inflight_bytes_max
           && inflight_.size() < options.inflight_count_max;
  case raft_progress_state::snapshot:
    return false;
  }
  return false;
}

void raft_progress::on_sent(uint64_t last_index, size_t bytes) {
  if (state_ == raft_progress_state::probe) {
    probing_ = true;
    return;
  }
  next_ = last_index + 1;
  inflight_.push_back({last_index, bytes});
  inflight_bytes_ += bytes;
}

bool raft_progress::on_success(uint64_t match, uint64_t first_index) {
  const bool is_news = match > match_;
  match_ = std::max(match_, match);
  while (!inflight_.empty() && inflight_.front().last_index <= match_) {
    inflight_bytes_ -= inflight_.front().bytes;
    inflight_.pop_front();
  }
  if (state_ == raft_progress_state::replicate) {
    next_ = std::max(next_, match_ + 1);
  } else if (state_ == raft_progress_state::probe
             || match_ + 1 >= first_index) {
    become_probe(match_ + 1);
    state_ = raft_progress_state::replicate;
  }
  return is_news;
}

void raft_progress::on_refusal(uint64_t refused, uint64_t agreed) {
  // Nothing that matched is refused; a probe's refusal names the probe.
  if (state_ == raft_progress_state::snapshot || refused <= match_
      || (state_ == raft_progress_state::probe && refused + 1 != next_))
    return;
  become_probe(std::max(match_, std::min(refused - 1, agreed)) + 1);
}

void raft_progress::on_heard(int64_t now_ms, uint64_t round) {
  heard_ms_ = now_ms;
  round_ = std::max(round_, round);
}

void raft_progress::become_probe(uint64_t next) {
  state_ = raft_progress_state::probe;
  next_ = next;
  probing_ = false;
  inflight_.clear();
  inflight_bytes_ = 0;
  reading.reset();
}

void raft_progress::become_snapshot(int64_t now_ms) {
  become_probe(match_ + 1);
  state_ = raft_progress_state::snapshot;
  transfer_ = {};
  transfer_.since_ms = now_ms;
}

} // namespace millrace
