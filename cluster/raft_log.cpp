#include "cluster/raft_log.hpp"

#include "schema/assert.hpp"
#include "schema/planted_bug.hpp"

#include <algorithm>

namespace millrace {

raft_log::raft_log(raft_position start)
    : start_(start), last_index_(start.index), given_(start.index),
      durable_(start.index), committed_(start.index), told_(start.index) {}

void raft_log::add_term(raft_position entry) {
  MILLRACE_ASSERT(
    entry.index == last_index_ + 1, "entries follow on one another");
  MILLRACE_ASSERT(entry.term >= last().term, "terms never fall in a log");
  if (runs_.empty() || runs_.back().term != entry.term)
    runs_.push_back({entry.index, entry.term});
  last_index_ = entry.index;
}

void raft_log::recover(raft_position entry) {
  add_term(entry);
  given_ = durable_ = entry.index;
}

raft_position raft_log::last() const {
  if (runs_.empty())
    return start_;
  return {runs_.back().term, last_index_};
}

std::optional<uint64_t> raft_log::term_at(uint64_t index) const {
  if (index == start_.index)
    return start_.term;
  if (index < start_.index || index > last_index_)
    return std::nullopt;
  const auto after = std::upper_bound(
    runs_.begin(), runs_.end(), index, [](uint64_t i, const run& r) {
      return i < r.first_index;
    });
  return std::prev(after)->term;
}

raft_position raft_log::last_like(raft_position p) const {
  if (p.index < start_.index)
    return {0, p.index};
  auto index = std::min(p.index, last_index_);
  for (auto r = runs_.rbegin(); r != runs_.rend(); ++r) {
    if (r->first_index > index)
      continue;
    if (r->term <= p.term)
      return {r->term, index};
    index = r->first_index - 1;
  }
  return start_;
}

void raft_log::append(raft_entry entry) {
  add_term({entry.term, entry.index});
  memory_bytes_ += entry.payload.size();
  pending_bytes_ += entry.payload.size();
  memory_.push_back(std::move(entry));
}

void raft_log::truncate_from(uint64_t index) {
  MILLRACE_ASSERT(index > committed_, "what is committed is never cut");
  MILLRACE_ASSERT(index <= last_index_, "a truncation removes something");
  while (!memory_.empty() && memory_.back().index >= index) {
    memory_bytes_ -= memory_.back().payload.size();
    pending_bytes_ -= memory_.back().payload.size();
    memory_.pop_back();
  }
  while (!runs_.empty() && runs_.back().first_index >= index)
    runs_.pop_back();
  last_index_ = index - 1;
  if (given_ >= index) {
    given_ = index - 1;
    truncate_from_ = std::min(truncate_from_.value_or(index), index);
  }
  if (planted(bug::raft_stale_persisted))
    return;
  durable_ = std::min(durable_, index - 1);
  for (auto& w : writes_)
    w.last_index = std::min(w.last_index, index - 1);
}

void raft_log::restart_at(raft_position last) {
  MILLRACE_ASSERT(last.index >= committed_, "a log never starts in its past");
  runs_.clear();
  memory_.clear();
  memory_bytes_ = pending_bytes_ = 0;
  writes_.clear();
  truncate_from_.reset();
  start_ = last;
  last_index_ = given_ = durable_ = committed_ = told_ = last.index;
}

void raft_log::drop_through(uint64_t index) {
  MILLRACE_ASSERT(index <= told_ && index <= durable_,
    "only what a snapshot holds is dropped");
  if (index <= start_.index)
    return;
  start_ = {*term_at(index), index};
  const auto after = std::upper_bound(
    runs_.begin(), runs_.end(), index + 1, [](uint64_t i, const run& r) {
      return i < r.first_index;
    });
  if (after != runs_.begin())
    runs_.erase(runs_.begin(), std::prev(after));
  if (index == last_index_)
    runs_.clear();
  else
    runs_.front().first_index = std::max(runs_.front().first_index, index + 1);
  while (!memory_.empty() && memory_.front().index <= index) {
    memory_bytes_ -= memory_.front().payload.size();
    memory_.pop_front();
  }
}

std::vector<raft_entry> raft_log::read(
  uint64_t from, uint64_t last, size_t bytes_max) const {
  MILLRACE_ASSERT(from >= memory_first() && from <= last && last <= last_index_,
    "only what is in memory is read from there");
  std::vector<raft_entry> entries;
  size_t bytes = 0;
  for (auto i = from; i <= last; ++i) {
    const auto& entry = memory_[memory_at(i)];
    bytes += entry.payload.size();
    if (!entries.empty() && bytes > bytes_max)
      break;
    entries.push_back(entry);
  }
  return entries;
}

void raft_log::trim(size_t bytes_max) {
  const auto needed = std::min({given_, durable_, told_});
  while (!memory_.empty() && memory_bytes_ > bytes_max
         && memory_.front().index <= needed) {
    memory_bytes_ -= memory_.front().payload.size();
    memory_.pop_front();
  }
}

std::optional<raft_log_write> raft_log::take_write() {
  if (given_ == last_index_ && !truncate_from_)
    return std::nullopt;
  raft_log_write w{++write_number_, truncate_from_, {}};
  for (auto i = given_ + 1; i <= last_index_; ++i)
    w.entries.push_back(memory_[memory_at(i)]);
  given_ = last_index_;
  truncate_from_.reset();
  writes_.push_back({w.number, last_index_});
  return w;
}

bool raft_log::on_persisted(uint64_t number) {
  const auto before = durable_;
  while (!writes_.empty() && writes_.front().number <= number) {
    durable_
      = std::max(durable_, std::min(writes_.front().last_index, last_index_));
    writes_.pop_front();
  }
  return durable_ > before;
}

void raft_log::commit_to(uint64_t index) {
  MILLRACE_ASSERT(index <= last_index_, "what is committed is in the log");
  committed_ = std::max(committed_, index);
}

std::optional<raft_range> raft_log::take_committed() {
  const auto last = std::min(committed_, durable_);
  if (last <= told_)
    return std::nullopt;
  const raft_range range{told_ + 1, last};
  for (auto i = std::max(range.first, memory_first()); i <= last; ++i)
    pending_bytes_ -= memory_[memory_at(i)].payload.size();
  told_ = last;
  return range;
}

void raft_log::set_told(uint64_t index) {
  MILLRACE_ASSERT(
    index >= told_ && index <= durable_, "what is applied is in the log");
  told_ = index;
  commit_to(index);
}

} // namespace millrace
