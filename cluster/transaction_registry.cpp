#include "cluster/transaction_registry.hpp"

#include "cluster/group_turn.hpp"
#include "schema/assert.hpp"

#include <algorithm>
#include <utility>

namespace millrace {

namespace {

constexpr auto never = wake_schedule::never;

} // namespace

transaction_registry::transaction_registry(transaction_config config)
    : config_(config) {}

result<void> transaction_registry::replay(
  std::string_view key, std::optional<std::string_view> value) {
  MILLRACE_ASSERT(!loaded_, "the log is replayed before the registry serves");
  auto record = decode_transaction_record(key, value);
  MILLRACE_TRY(record);
  if (!*record)
    return {}; // a kind that a later version writes; the log keeps it
  const auto& id = (*record)->transactional_id;
  if (!(*record)->value)
    entries_.erase(id);
  else
    entries_.try_emplace(id, entry{.state = transaction_state{id}})
      .first->second.state.apply(**record);
  return {};
}

transaction_effects transaction_registry::finish_load(
  int32_t coordinator_epoch, int64_t now_ms, int64_t wall_ms) {
  MILLRACE_ASSERT(!loaded_, "loading ends once");
  loaded_ = true;
  coordinator_epoch_ = coordinator_epoch;
  loaded_now_ms_ = now_ms;
  loaded_wall_ms_ = wall_ms;
  expiry_due_ms_ = now_ms + config_.expiry_check_interval_ms;
  auto t = begin_turn(now_ms, wall_ms);
  for (auto& [id, e] : entries_) {
    const auto& value = *e.state.value();
    if (value.phase == transaction_phase::ongoing) {
      const int64_t timeout_ms = std::max(value.timeout_ms, 0);
      // No longer than a whole time-out, whatever the clocks did meanwhile.
      e.deadline_ms = now_ms
                      + std::clamp(value.started_ms + timeout_ms - wall_ms,
                        int64_t{0}, timeout_ms);
    } else if (auto markers = e.state.markers()) {
      e.unmarked = markers->partitions;
      if (e.unmarked.empty())
        complete(t, e);
      else
        t.effects.markers.push_back(std::move(*markers));
    }
    schedule(id);
  }
  return end_turn(t);
}

transaction_effects transaction_registry::on_appended(
  uint64_t append_id, kafka_error error, int64_t now_ms, int64_t wall_ms) {
  const auto it = pending_.find(append_id);
  if (it == pending_.end())
    return {}; // abandoned meanwhile
  // What is refused before it is written need not wait for those before it.
  MILLRACE_ASSERT(error != kafka_error::none || it == pending_.begin(),
    "appends that succeed end in their order");
  const auto append = std::move(it->second);
  pending_.erase(it);
  auto t = begin_turn(now_ms, wall_ms);
  for (const auto& record : append.records) {
    if (error == kafka_error::none)
      applied(t, record);
    else
      failed(t, record);
    t.effects.moved.push_back(record.transactional_id);
  }
  for (const auto& then : append.continuations)
    then(t.effects, group_append_error(error));
  return end_turn(t);
}

void transaction_registry::applied(turn& t, const transaction_record& record) {
  const auto found = entries_.find(record.transactional_id);
  MILLRACE_ASSERT(
    found != entries_.end(), "an id stays while its record is under way");
  auto& e = found->second;
  const bool was_open = e.state.in_phase(transaction_phase::ongoing);
  e.state.apply(record);
  if (!e.state.value()) {
    entries_.erase(found);
    schedule(record.transactional_id);
    return;
  }
  if (!e.state.in_phase(transaction_phase::ongoing))
    e.deadline_ms = never;
  else if (!was_open)
    e.deadline_ms = t.now_ms + e.state.value()->timeout_ms;
  if (auto markers = e.state.markers()) {
    e.unmarked = markers->partitions;
    if (e.unmarked.empty())
      complete(t, e);
    else
      t.effects.markers.push_back(std::move(*markers));
  }
  schedule(record.transactional_id);
}

void transaction_registry::failed(turn& t, const transaction_record& record) {
  const auto found = entries_.find(record.transactional_id);
  MILLRACE_ASSERT(
    found != entries_.end(), "an id stays while its record is under way");
  auto& e = found->second;
  e.state.drop();
  e.not_before_ms = t.now_ms + config_.retry_ms;
  if (!e.state.value())
    entries_.erase(found); // its first record
  schedule(record.transactional_id);
}

transaction_effects transaction_registry::on_markers_written(
  const std::string& transactional_id, producer_id id, int16_t epoch,
  std::span<const topic_partition> partitions, int64_t now_ms,
  int64_t wall_ms) {
  auto t = begin_turn(now_ms, wall_ms);
  const auto found = entries_.find(transactional_id);
  if (found == entries_.end())
    return end_turn(t);
  auto& e = found->second;
  const auto wanted = e.state.markers();
  // Those of an earlier transaction must not end this one.
  if (!wanted || wanted->id != id || wanted->epoch != epoch)
    return end_turn(t);
  for (const auto& partition : partitions)
    e.unmarked.erase(partition);
  if (e.unmarked.empty() && !e.state.pending())
    complete(t, e);
  schedule(transactional_id);
  return end_turn(t);
}

void transaction_registry::complete(turn& t, entry& e) {
  append(t, e.state.decide_complete(t.wall_ms));
}

transaction_effects transaction_registry::on_timer(
  int64_t now_ms, int64_t wall_ms) {
  auto t = begin_turn(now_ms, wall_ms);
  while (wakes_.next_ms() <= now_ms) {
    const auto id = wakes_.next();
    auto& e = entries_.at(id);
    if (e.state.in_phase(transaction_phase::ongoing))
      append(t, e.state.decide_fence(wall_ms));
    else
      complete(t, e);
    schedule(id);
  }
  if (loaded_ && expiry_due_ms_ <= now_ms)
    expire_ids(t);
  return end_turn(t);
}

std::optional<int64_t> transaction_registry::next_deadline() const {
  const auto next_ms
    = std::min(wakes_.next_ms(), entries_.empty() ? never : expiry_due_ms_);
  if (next_ms == never)
    return {};
  return next_ms;
}

transaction_effects transaction_registry::abandon() {
  transaction_effects effects;
  for (const auto& [append_id, append] : pending_)
    for (const auto& then : append.continuations)
      then(effects, kafka_error::not_coordinator);
  pending_.clear();
  entries_.clear();
  wakes_.clear();
  expiry_cursor_.clear();
  loaded_ = false;
  return effects;
}

const transaction_state* transaction_registry::find(
  const std::string& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second.state;
}

transaction_registry::turn transaction_registry::begin_turn(
  int64_t now_ms, int64_t wall_ms) const {
  turn t;
  t.now_ms = now_ms;
  t.wall_ms = wall_ms;
  return t;
}

transaction_effects transaction_registry::end_turn(turn& t) {
  if (t.records.empty())
    return std::move(t.effects);
  for (const auto& record : t.records)
    t.effects.records.push_back(encode_transaction_record(record));
  t.effects.append_id = next_append_id_++;
  pending_.emplace(t.effects.append_id,
    pending_append{std::move(t.records), std::move(t.continuations)});
  return std::move(t.effects);
}

void transaction_registry::append(
  turn& t, const transaction_decision& decided) {
  for (const auto& record : decided.records) {
    const auto& id = record.transactional_id;
    entries_.try_emplace(id, entry{.state = transaction_state{id}})
      .first->second.state.begin();
    t.records.push_back(record);
    schedule(id);
  }
}

void transaction_registry::reply(turn& t, uint64_t token,
  std::function<transaction_answer(kafka_error)> answer_of) {
  if (t.records.empty()) {
    t.effects.replies.emplace_back(token, answer_of(kafka_error::none));
    return;
  }
  t.continuations.push_back([token, answer_of = std::move(answer_of)](
                              transaction_effects& effects, kafka_error error) {
    effects.replies.emplace_back(token, answer_of(error));
  });
}

void transaction_registry::schedule(const std::string& id) {
  auto wake_ms = never;
  const auto found = entries_.find(id);
  if (found != entries_.end() && !found->second.state.pending()) {
    const auto& e = found->second;
    if (e.state.in_phase(transaction_phase::ongoing))
      wake_ms = std::max(e.deadline_ms, e.not_before_ms);
    else if (e.state.markers() && e.unmarked.empty())
      wake_ms = e.not_before_ms;
  }
  wakes_.set(id, wake_ms);
}

} // namespace millrace
