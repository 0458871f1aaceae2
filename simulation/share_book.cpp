#include "simulation/share_book.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int8_t accept = 1;
constexpr int8_t release = 2;
constexpr int8_t reject = 3;
constexpr int8_t renew = 4;

bool is_end(int8_t type) {
  return type == accept || type == reject;
}

std::string text_of(const std::pair<int32_t, int64_t>& at) {
  return "offset " + std::to_string(at.second) + " of partition "
         + std::to_string(at.first);
}

std::string text_of(const share_leadership& leader) {
  return leader.is_one() ? "epoch " + std::to_string(leader.from)
                         : "epoch " + std::to_string(leader.from) + " to "
                             + std::to_string(leader.to);
}

bool is_same(const share_leadership& a, const share_leadership& b) {
  return a.is_one() && b.is_one() && a.from == b.from
         && a.actor_from == b.actor_from;
}

/// Whether the leader has said the second before it said the first, whose
/// answer has come earlier.
bool came_before(const share_leadership& first, int16_t first_count,
  int64_t first_told, const share_leadership& second, int16_t second_count,
  int64_t second_asked) {
  if (second_asked >= first_told)
    return false;
  return second.to < first.from
         || (is_same(first, second) && second_count < first_count);
}

} // namespace

void share_book::fail(std::string what) {
  if (violation_.empty())
    violation_ = std::move(what);
}

void share_book::end_session(session who) {
  std::erase_if(suspicions_, [&](const auto& s) {
    return s.holder == who;
  });
  for (auto& [at, r] : records_)
    if (r.holder == who)
      r.holder = 0;
}

void share_book::alive(session who, int64_t asked) {
  for (const auto& s : suspicions_)
    if (s.holder == who && s.since <= asked)
      fail("a record is held by one member at a time: " + s.what);
}

void share_book::given(session who, const range& what, int16_t delivery_count,
  const share_leadership& leader, const times& when) {
  if (delivery_count > options_.delivery_count_max || delivery_count < 1)
    fail("a record is delivered as often as may be: "
         + text_of(place{what.partition, what.first}) + " for the "
         + std::to_string(delivery_count) + ". time");
  for (auto offset = what.first; offset <= what.last; ++offset) {
    const place at{what.partition, offset};
    auto& r = records_[at];
    check_given(r, at, who, delivery_count, leader, when);
    if (came_before(
          r.given_by, r.count, r.given_at, leader, delivery_count, when.asked))
      continue;
    r.holder = who;
    r.held_until = when.asked + options_.lock;
    r.given_by = leader;
    r.given_at = when.told;
    r.count = delivery_count;
  }
}

void share_book::check_given(const record& r, const place& at, session who,
  int16_t delivery_count, const share_leadership& leader, const times& when) {
  const auto now = text_of(at) + ", " + text_of(leader) + ", delivery "
                   + std::to_string(delivery_count);
  // An earlier leader that does not know that it is over may give out
  // anything: nothing that is said to it counts.
  if (r.ended && when.asked >= r.ended_at && leader.from >= r.ended_by)
    fail("what was accepted or rejected is not given out again: " + now
         + "; that was in epoch " + std::to_string(r.ended_by));
  if (r.kept_count > 0 && when.asked >= r.kept_at && leader.from >= r.kept_by
      && delivery_count <= r.kept_count)
    fail("deliveries that are durable stay counted: " + now + "; there were "
         + std::to_string(r.kept_count) + " in epoch "
         + std::to_string(r.kept_by));
  if (!is_same(leader, r.given_by)
      || came_before(
        r.given_by, r.count, r.given_at, leader, delivery_count, when.asked))
    return;
  if (when.asked >= r.given_at && delivery_count <= r.count)
    fail("a leader counts deliveries upwards: " + now + "; the one before was "
         + std::to_string(r.count));
  if (r.holder != 0 && when.told < r.held_until) {
    suspicions_.push_back({r.holder, when.told,
      now + "; session " + std::to_string(r.holder) + " has it still, and "
        + std::to_string(who) + " was given it"});
    if (r.holder == who)
      alive(who, when.told);
  }
}

size_t share_book::says(
  session who, const range& what, std::vector<int8_t> types, int64_t asked) {
  MILLRACE_ASSERT(
    types.size() == static_cast<size_t>(what.last - what.first + 1),
    "each record is acknowledged by its own type");
  std::vector<int16_t> counts;
  for (size_t i = 0; i < types.size(); ++i) {
    auto& r = records_[{what.partition, what.first + static_cast<int64_t>(i)}];
    counts.push_back(r.holder == who ? r.count : int16_t{0});
    if (r.holder == who && types[i] != renew)
      r.holder = 0;
    r.unanswered += is_end(types[i]) ? 1 : 0;
  }
  said_.push_back({who, what, std::move(types), std::move(counts), asked});
  return said_.size() - 1;
}

void share_book::answered(size_t number, outcome is,
  const share_leadership& leader, int64_t told, int64_t start) {
  const auto& said = said_.at(number);
  for (size_t i = 0; i < said.types.size(); ++i) {
    if (is != outcome::unknown && is_end(said.types[i]))
      --records_[said.place_of(i)].unanswered;
    if (is == outcome::taken)
      take(said, i, leader, told, start);
  }
}

void share_book::take(const statement& said, size_t index,
  const share_leadership& leader, int64_t told, int64_t start) {
  const auto type = said.types[index];
  const auto at = said.place_of(index);
  auto& r = records_[at];
  // Who renews tells nobody else: an earlier leader may say yes.
  if (type == renew) {
    if (r.holder == said.who)
      r.held_until = std::max(r.held_until, said.asked + options_.lock);
    return;
  }
  if (r.ended && at.second < start)
    return;
  if (r.ended && (type != release || said.asked >= r.ended_at))
    fail("a record's delivery ends once: " + text_of(at) + " was acknowledged ("
         + std::to_string(type) + ", " + text_of(leader)
         + ") after it had ended in epoch " + std::to_string(r.ended_by));
  if (type == release) {
    if (said.counts[index] > r.kept_count) {
      r.kept_count = said.counts[index];
      r.kept_at = told;
      r.kept_by = leader.to;
    }
    return;
  }
  ended_ += r.ended ? 0 : 1;
  r.ended = true;
  r.ended_at = told;
  r.ended_by = leader.to;
}

void share_book::exhausted(const range& what) {
  for (auto offset = what.first; offset <= what.last; ++offset)
    records_[{what.partition, offset}].is_exhausted = true;
}

void share_book::judge(int32_t partition, int64_t start) {
  for (int64_t offset = 0; offset < start; ++offset) {
    const place at{partition, offset};
    const auto found = records_.find(at);
    if (found == records_.end()) {
      fail("no record is passed over: " + text_of(at)
           + " was given to nobody, and the group begins at "
           + std::to_string(start));
      return;
    }
    const auto& r = found->second;
    if (!r.ended && r.unanswered == 0 && !r.is_exhausted
        && r.count < options_.delivery_count_max)
      fail("no record is passed over: " + text_of(at) + " was delivered "
           + std::to_string(r.count)
           + " times, nobody has accepted it, and the group begins at "
           + std::to_string(start));
  }
}

} // namespace millrace
