#include "simulation/transaction_book.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

std::string place(int32_t partition, int64_t offset) {
  return "offset " + std::to_string(offset) + " of partition "
         + std::to_string(partition);
}

/// What was seen is there in the end, and nothing else was left out.
std::string compare(const committed_view& seen, const committed_view& last) {
  for (const auto& [offset, value] : seen.values) {
    const auto at = last.values.find(offset);
    if (at == last.values.end() || at->second != value)
      return "what was read as committed stays: " + value + " was at "
             + place(seen.partition, offset) + ", where is "
             + (at == last.values.end() ? "nothing" : at->second);
  }
  for (const auto& [offset, value] : last.values)
    if (offset < seen.end && !seen.values.contains(offset))
      return "a reader leaves out nothing that is committed: " + value + " at "
             + place(seen.partition, offset)
             + " was not seen by one that had come to "
             + std::to_string(seen.end);
  return {};
}

} // namespace

void transaction_book::asks_for_id(
  const std::string& id, instance who, int64_t now) {
  asked_[id][who] = now;
}

bool transaction_book::others_have_asked(
  const std::string& id, instance who, int64_t since) const {
  const auto at = asked_.find(id);
  return at != asked_.end()
         && std::any_of(
           at->second.begin(), at->second.end(), [&](const auto& asked) {
             return asked.first != who && asked.second >= since;
           });
}

void transaction_book::granted(const std::string& id, instance who,
  int64_t producer, int16_t epoch, bool fences, int64_t now) {
  grants_[id].push_back({who, producer, epoch, fences, now});
}

size_t transaction_book::begin(
  const std::string& id, instance who, int16_t epoch) {
  transactions_.push_back({.id = id, .who = who, .epoch = epoch});
  return transactions_.size() - 1;
}

void transaction_book::sent(
  size_t transaction, int32_t partition, const std::string& value) {
  const auto number = values_.size();
  const bool is_new
    = values_.try_emplace(value, sent_value{transaction, partition, number})
        .second;
  MILLRACE_ASSERT(is_new, "each value is sent once");
  transactions_.at(transaction).values.push_back(value);
}

void transaction_book::acknowledged(const std::string& value, int64_t offset) {
  auto& v = values_.at(value);
  v.offset = offset;
  auto& end = ends_[v.partition];
  end = std::max(end, offset + 1);
}

void transaction_book::offset_taken(size_t transaction) {
  transactions_.at(transaction).has_offset = true;
}

std::string transaction_book::check_offset(
  const std::string& id, int64_t found) const {
  if (found < 0)
    return {};
  const auto number = static_cast<size_t>(found);
  if (number >= transactions_.size() || transactions_[number].id != id)
    return "a group shows an offset that was committed to it: " + id + " has "
           + std::to_string(found);
  const auto& t = transactions_[number];
  const auto who = " (" + id + ", epoch " + std::to_string(t.epoch)
                   + ", instance " + std::to_string(t.who) + ")";
  if (t.is == fate::not_committed)
    return "an offset is shown when its transaction is committed: that of "
           + std::to_string(found) + " is, which is not" + who;
  if (!t.has_offset)
    return "an offset that was not taken is not committed: that of "
           + std::to_string(found) + who;
  if (was_fenced_before_asking(t))
    return "who is fenced commits no offset: that of " + std::to_string(found)
           + who;
  return {};
}

bool transaction_book::is_at_least(int64_t found, size_t transaction) const {
  return found >= 0
         && transactions_.at(static_cast<size_t>(found)).asked_at
              >= transactions_.at(transaction).asked_at;
}

void transaction_book::asks_to_commit(size_t transaction, int64_t now) {
  auto& t = transactions_.at(transaction);
  t.is = fate::unknown;
  t.asked_at = now;
}

void transaction_book::committed(size_t transaction) {
  transactions_.at(transaction).is = fate::committed;
}

void transaction_book::not_committed(size_t transaction) {
  transactions_.at(transaction).is = fate::not_committed;
}

int64_t transaction_book::acknowledged_end(int32_t partition) const {
  const auto at = ends_.find(partition);
  return at == ends_.end() ? 0 : at->second;
}

uint64_t transaction_book::committed_count() const {
  return static_cast<uint64_t>(std::count_if(
    transactions_.begin(), transactions_.end(), [](const auto& t) {
      return t.is == fate::committed;
    }));
}

std::string transaction_book::judge(const std::vector<committed_view>& last,
  const std::vector<committed_view>& earlier) const {
  if (auto wrong = check_grants(); !wrong.empty())
    return wrong;
  places found;
  if (auto wrong = find_places(last, found); !wrong.empty())
    return wrong;
  if (auto wrong = check_atomicity(found); !wrong.empty())
    return wrong;
  for (const auto& view : last)
    if (auto wrong = check_order(view); !wrong.empty())
      return wrong;
  for (const auto& seen : earlier)
    for (const auto& view : last)
      if (view.partition == seen.partition)
        if (auto wrong = compare(seen, view); !wrong.empty())
          return wrong;
  return {};
}

std::string transaction_book::check_grants() const {
  for (const auto& [id, grants] : grants_) {
    std::map<std::pair<int64_t, int16_t>, instance> owners;
    for (const auto& g : grants) {
      const auto [at, is_new]
        = owners.try_emplace({g.producer, g.epoch}, g.who);
      if (!is_new && at->second != g.who)
        return "an epoch is given to one client: " + id + ", epoch "
               + std::to_string(g.epoch);
      if (g.producer != grants.front().producer)
        return "a transactional id keeps its producer id: " + id;
    }
  }
  return {};
}

std::string transaction_book::find_places(
  const std::vector<committed_view>& last, places& found) const {
  for (const auto& view : last)
    for (const auto& [offset, value] : view.values) {
      const auto at = values_.find(value);
      if (at == values_.end() || at->second.partition != view.partition)
        return "only what was sent there is read: " + value + " at "
               + place(view.partition, offset);
      const auto [other, is_first] = found.try_emplace(value, offset);
      if (!is_first)
        return "what is committed is there once: " + value + " is at "
               + place(view.partition, other->second) + " and at "
               + std::to_string(offset);
      if (at->second.offset >= 0 && at->second.offset != offset)
        return "what is acknowledged stays in its place: " + value
               + " was acknowledged at " + std::to_string(at->second.offset)
               + " and is at " + place(view.partition, offset);
    }
  return {};
}

std::string transaction_book::check_atomicity(const places& found) const {
  for (const auto& t : transactions_)
    if (auto wrong = check_transaction(t, found); !wrong.empty())
      return wrong + " (" + t.id + ", epoch " + std::to_string(t.epoch)
             + ", instance " + std::to_string(t.who) + ")";
  return {};
}

std::string transaction_book::check_transaction(
  const transaction& t, const places& found) const {
  const std::string* there = nullptr;
  const std::string* missing = nullptr;
  for (const auto& value : t.values)
    (found.contains(value) ? there : missing) = &value;
  if (t.is == fate::committed && missing != nullptr)
    return "what is committed is there: " + *missing + " is not";
  if (there == nullptr)
    return {};
  if (t.is == fate::not_committed)
    return "nothing of what was aborted is read: " + *there + " is";
  if (missing != nullptr)
    return "a transaction is there as one: " + *there + " is, " + *missing
           + " is not";
  if (was_fenced_before_asking(t))
    return "who is fenced commits nothing: " + *there + " is there";
  return {};
}

bool transaction_book::was_fenced_before_asking(const transaction& t) const {
  const auto& grants = grants_.at(t.id);
  return std::any_of(grants.begin(), grants.end(), [&](const grant& g) {
    return g.fences && g.who != t.who && g.epoch > t.epoch && g.at < t.asked_at;
  });
}

/// An id's epochs follow one another, and what one client sent is as it was
/// sent.
std::string transaction_book::check_order(const committed_view& view) const {
  std::map<std::string, std::pair<int16_t, size_t>> before;
  for (const auto& [offset, value] : view.values) {
    const auto& sent = values_.at(value);
    const auto& t = transactions_.at(sent.transaction);
    const std::pair now{t.epoch, sent.number};
    const auto [at, is_first] = before.try_emplace(t.id, now);
    if (!is_first && now < at->second)
      return "a producer's values are as they were sent: " + value + " at "
             + place(view.partition, offset) + " follows a later one";
    at->second = now;
  }
  return {};
}

} // namespace millrace
