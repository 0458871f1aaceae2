#include "cluster/share_state_registry.hpp"

#include "cluster/group_turn.hpp"
#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

using kind = share_state_record::kind;

/// Of some ten KiB each, in one batch.
constexpr size_t snapshots_at_once = 16;

} // namespace

result<void> share_state_registry::replay(
  offset at, std::string_view key, std::optional<std::string_view> value) {
  MILLRACE_ASSERT(!loaded_, "the log is replayed before the registry serves");
  auto record = decode_share_state_record(key, value);
  MILLRACE_TRY(record);
  applied_end_ = at + int64_t{1};
  if (!*record)
    return {}; // a kind that a later version writes; the log keeps it
  const auto& r = **record;
  auto& e = entries_.try_emplace(r.key, r.key).first->second;
  e.latest.apply(r);
  if (r.what == kind::snapshot)
    note_snapshot(e, at);
  forget_if_gone(r.key);
  return {};
}

void share_state_registry::finish_load() {
  MILLRACE_ASSERT(!loaded_, "loading ends once");
  loaded_ = true;
}

share_state_effects share_state_registry::handle(
  uint64_t token, const share_state_question& question, int64_t wall_ms) {
  MILLRACE_ASSERT(loaded_, "requests come once the log has been read");
  auto& e = entries_.try_emplace(question.key, question.key).first->second;
  auto decided
    = e.latest.decide(question, config_.updates_per_snapshot, wall_ms);
  share_state_effects effects;
  if (decided.record) {
    stage(effects, *decided.record);
    pending_[next_append_id_].answers.emplace_back(
      token, std::move(decided.answer));
  } else if (!e.pending.empty() && decided.answer.error == kafka_error::none) {
    // It tells of what is on its way.
    pending_.at(e.pending.back().first)
      .answers.emplace_back(token, std::move(decided.answer));
  } else {
    effects.replies.emplace_back(token, std::move(decided.answer));
  }
  forget_if_gone(question.key);
  return ended(std::move(effects));
}

share_state_effects share_state_registry::on_topics_gone(
  const std::set<uuid>& topics) {
  share_state_effects effects;
  for (const auto& [key, e] : entries_)
    if (topics.contains(key.topic) && e.latest.exists())
      stage(effects, {.what = kind::tombstone, .key = key});
  return ended(std::move(effects));
}

share_state_effects share_state_registry::on_timer(int64_t wall_ms) {
  share_state_effects effects;
  const auto length = applied_end_.value - redundant_end().value;
  const auto needed = static_cast<int64_t>(entries_.size());
  if (length <= config_.slack_records + 4 * needed)
    return effects;
  const auto recent = applied_end_.value - length / 2;
  for (const auto& [key, e] : entries_)
    if (e.latest.exists() && e.pending.empty() && e.snapshot_at.value < recent
        && effects.records.size() < snapshots_at_once)
      stage(effects, e.latest.snapshot_again(wall_ms));
  return ended(std::move(effects));
}

share_state_effects share_state_registry::on_appended(
  uint64_t append_id, kafka_error error, offset base) {
  const auto it = pending_.find(append_id);
  MILLRACE_ASSERT(it != pending_.end(), "an append ends once");
  MILLRACE_ASSERT(error != kafka_error::none || it == pending_.begin(),
    "appends that succeed end in their order");
  auto append = std::move(it->second);
  pending_.erase(it);
  const bool durable = error == kafka_error::none;
  for (const auto& key : append.keys) {
    end_record(entries_.at(key), append_id, durable, base);
    forget_if_gone(key);
    ++base.value;
  }
  if (durable)
    applied_end_ = std::max(applied_end_, base);
  if (append.baseless && durable)
    error = kafka_error::coordinator_not_available;
  share_state_effects effects;
  for (auto& [token, answer] : append.answers)
    effects.replies.emplace_back(
      token, error == kafka_error::none
               ? std::move(answer)
               : share_state_answer{group_append_error(error), "", {}});
  return effects;
}

offset share_state_registry::redundant_end() const {
  return snapshots_.empty() ? applied_end_ : offset{*snapshots_.begin()};
}

const share_partition_progress* share_state_registry::find(
  const share_partition_key& key) const {
  const auto it = entries_.find(key);
  return it == entries_.end() || !it->second.latest.exists()
           ? nullptr
           : &it->second.latest;
}

const share_partition_progress* share_state_registry::find_committed(
  const share_partition_key& key) const {
  const auto it = entries_.find(key);
  if (it == entries_.end())
    return nullptr;
  const auto& e = it->second;
  const auto& known = e.committed ? *e.committed : e.latest;
  return known.exists() ? &known : nullptr;
}

void share_state_registry::stage(
  share_state_effects& effects, const share_state_record& record) {
  auto& e = entries_.at(record.key);
  if (e.pending.empty())
    e.committed = e.latest;
  e.latest.apply(record);
  e.pending.emplace_back(next_append_id_, record);
  pending_[next_append_id_].keys.push_back(record.key);
  effects.records.push_back(encode_share_state_record(record));
}

share_state_effects share_state_registry::ended(share_state_effects effects) {
  if (!effects.records.empty())
    effects.append_id = next_append_id_++;
  return effects;
}

void share_state_registry::end_record(
  entry& e, uint64_t append_id, bool durable, offset at) {
  const auto it = std::ranges::find_if(e.pending, [&](const auto& p) {
    return p.first == append_id;
  });
  MILLRACE_ASSERT(
    it != e.pending.end() && (!durable || it == e.pending.begin()),
    "appends that succeed end in their order");
  const auto record = std::move(it->second);
  e.pending.erase(it);
  if (durable) {
    e.committed->apply(record);
    if (record.what != kind::update)
      note_snapshot(e, record.what == kind::snapshot ? at : offset{-1});
  } else {
    e.latest = *e.committed;
    for (const auto& [id, later] : e.pending)
      e.latest.apply(later);
    take_base_away(e);
  }
  if (e.pending.empty())
    e.committed.reset();
}

void share_state_registry::take_base_away(const entry& e) {
  for (const auto& [id, record] : e.pending)
    pending_.at(id).baseless = true;
}

void share_state_registry::note_snapshot(entry& e, offset at) {
  if (const auto it = snapshots_.find(e.snapshot_at.value);
    e.snapshot_at.value >= 0 && it != snapshots_.end())
    snapshots_.erase(it);
  e.snapshot_at = at;
  if (at.value >= 0)
    snapshots_.insert(at.value);
}

void share_state_registry::forget_if_gone(const share_partition_key& key) {
  const auto it = entries_.find(key);
  if (it == entries_.end() || it->second.latest.exists()
      || !it->second.pending.empty())
    return;
  note_snapshot(it->second, offset{-1});
  entries_.erase(it);
}

} // namespace millrace
