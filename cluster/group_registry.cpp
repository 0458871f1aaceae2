#include "cluster/group_registry.hpp"

#include "cluster/group_answers.hpp"
#include "cluster/group_join.hpp"
#include "cluster/group_names.hpp"
#include "cluster/group_records.hpp"
#include "cluster/group_session.hpp"
#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int16_t leave_members_version = 3;

} // namespace

group_registry::group_registry(
  group_config config, std::function<uuid()> new_uuid)
    : config_(std::move(config)), new_uuid_(std::move(new_uuid)),
      consumers_(config_.consumer, new_uuid_),
      shares_(config_.share, next_append_id_) {}

result<void> group_registry::load(
  std::string_view key, std::string_view value) {
  MILLRACE_ASSERT(!loaded_, "an image is loaded once, before it serves");
  auto entry = image_.load(key, value);
  MILLRACE_TRY(entry);
  return apply(0, entry->record, entry->place, false);
}

result<void> group_registry::replay(const record_place& place,
  std::string_view key, std::optional<std::string_view> value) {
  MILLRACE_ASSERT(!loaded_, "the log is replayed before the registry serves");
  offsets_record record{std::string{key}, std::nullopt};
  if (value)
    record.value = *value;
  return apply(0, record, place, true);
}

void group_registry::finish_load(int64_t now_ms, int64_t wall_ms) {
  MILLRACE_ASSERT(!loaded_, "loading ends once");
  loaded_ = true;
  loaded_now_ms_ = now_ms;
  loaded_wall_ms_ = wall_ms;
  expiry_due_ms_ = now_ms + config_.offsets_retention_check_interval_ms;
  for (const auto& [id, record] : loading_)
    groups_.try_emplace(id, id, record, now_ms);
  loading_.clear();
  consumers_.finish_load(now_ms);
  shares_.finish_load(now_ms);
  for (const auto& id : offsets_.groups())
    if (!consumers_.find(id))
      groups_.try_emplace(id, id);
  for (const auto& id : transactional_.groups())
    if (!consumers_.find(id))
      groups_.try_emplace(id, id);
  for (const auto& [id, group] : groups_)
    schedule(id);
}

group_effects group_registry::handle(
  const group_request_context& who, const kafka::join_group_request& request) {
  auto turn = begin_turn(who);
  const auto refuse = [&](kafka_error error) {
    turn.reply(who.token, join_refused(who.version, request.member_id, error));
    return end_turn(turn);
  };
  if (!is_group_id(request.group_id))
    return refuse(kafka_error::invalid_group_id);
  if (request.session_timeout_ms < config_.session_timeout_ms_min
      || request.session_timeout_ms > config_.session_timeout_ms_max)
    return refuse(kafka_error::invalid_session_timeout);
  if (!fits_records(request))
    return refuse(kafka_error::invalid_request);
  if (is_moving(request.group_id))
    return refuse(kafka_error::coordinator_load_in_progress);
  if (is_assigned(request.group_id))
    return handle_assigned(who, request);
  // A member that names an id must have got it here, so the group is there.
  if (!request.member_id.empty() && !find(request.group_id))
    return refuse(kafka_error::unknown_member_id);
  if (shares_.find(request.group_id))
    return refuse(kafka_error::inconsistent_group_protocol);
  make_classic(turn, request.group_id);
  auto& group = find_or_create(request.group_id);
  group_join{group, turn, who, request, new_uuid_}.run();
  return end_turn(turn, request.group_id);
}

group_effects group_registry::handle(
  const group_request_context& who, const kafka::sync_group_request& request) {
  auto turn = begin_turn(who);
  auto* group = find(request.group_id);
  if (!is_group_id(request.group_id))
    turn.reply(who.token, sync_refused(kafka_error::invalid_group_id));
  else if (is_moving(request.group_id))
    turn.reply(
      who.token, sync_refused(kafka_error::coordinator_load_in_progress));
  else if (is_assigned(request.group_id))
    return handle_assigned(who, request);
  else if (!group)
    turn.reply(who.token, sync_refused(kafka_error::unknown_member_id));
  else
    sync_group(*group, turn, who, request);
  return end_turn(turn, request.group_id);
}

group_effects group_registry::handle(
  const group_request_context& who, const kafka::heartbeat_request& request) {
  auto turn = begin_turn(who);
  auto* group = find(request.group_id);
  auto error = kafka_error::unknown_member_id;
  if (!is_group_id(request.group_id))
    error = kafka_error::invalid_group_id;
  else if (is_moving(request.group_id))
    error = kafka_error::coordinator_load_in_progress;
  else if (is_assigned(request.group_id))
    return handle_assigned(who, request);
  else if (group)
    error = heartbeat(*group, turn, request);
  kafka::heartbeat_response answer;
  answer.error_code = code_of(error);
  turn.reply(who.token, answer);
  return end_turn(turn, request.group_id);
}

group_effects group_registry::handle(
  const group_request_context& who, const kafka::leave_group_request& request) {
  auto turn = begin_turn(who);
  auto* group = find(request.group_id);
  kafka::leave_group_response answer;
  if (!is_group_id(request.group_id))
    answer.error_code = code_of(kafka_error::invalid_group_id);
  else if (is_moving(request.group_id))
    answer.error_code = code_of(kafka_error::coordinator_load_in_progress);
  else if (is_assigned(request.group_id))
    return handle_assigned(who, request);
  else if (!group && who.version < leave_members_version)
    answer.error_code = code_of(kafka_error::unknown_member_id);
  else if (!group)
    for (const auto& m : request.members)
      answer.members.push_back({m.member_id, m.group_instance_id,
        code_of(kafka_error::unknown_member_id)});
  else
    answer = leave_group(*group, turn, who, request);
  turn.reply_when_durable(who.token, std::move(answer),
    [](const kafka::leave_group_response&, kafka_error error) {
      kafka::leave_group_response refusal;
      refusal.error_code = code_of(group_append_error(error));
      return refusal;
    });
  return end_turn(turn, request.group_id);
}

group_effects group_registry::on_appended(uint64_t append_id, kafka_error error,
  offset base, int64_t now_ms, int64_t wall_ms) {
  const auto it = pending_.find(append_id);
  if (it == pending_.end())
    return {}; // abandoned meanwhile
  // What is refused before it is written need not wait for those before it.
  MILLRACE_ASSERT(error != kafka_error::none || it == pending_.begin(),
    "appends that succeed end in their order");
  const auto append = std::move(it->second);
  pending_.erase(it);
  auto turn = begin_turn(now_ms, wall_ms);
  auto touched = append.groups;
  consumers_.end_append(append_id, error == kafka_error::none, now_ms);
  shares_.end_append(append_id, error == kafka_error::none, now_ms);
  if (!append.marker)
    end_records(append_id, append, error, base);
  else if (error == kafka_error::none)
    touched = apply_marker(*append.marker);
  for (const auto& then : append.continuations)
    then(turn, error);
  return end_turn(turn, touched);
}

void group_registry::end_records(uint64_t append_id,
  const pending_append& append, kafka_error error, offset base) {
  record_place place{.at = base};
  if (append.transaction)
    place.producer = append.transaction->id;
  for (const auto& record : append.records) {
    if (error != kafka_error::none)
      drop(append_id, record, append.transaction.has_value());
    else if (const auto applied = apply(append_id, record, place, true);
      !applied)
      MILLRACE_ASSERT(applied.ok(), "our own records can be read");
    ++place.at.value;
  }
}

group_effects group_registry::on_timer(int64_t now_ms, int64_t wall_ms) {
  auto turn = begin_turn(now_ms, wall_ms);
  auto touched = wakes_.due(now_ms);
  for (const auto& id : touched)
    group_rebalance{groups_.at(id), turn}.expire();
  for (const auto& id : consumers_.on_timer(turn, next_append_id_)) {
    downgrade_if_due(turn, id);
    touched.push_back(id);
  }
  shares_.on_timer(turn);
  if (loaded_ && expiry_due_ms_ <= now_ms)
    expire_offsets(turn, touched);
  return end_turn(turn, touched);
}

std::optional<int64_t> group_registry::next_deadline() const {
  const bool idle = groups_.empty() && consumers_.groups().empty();
  const auto next_ms = std::min({wakes_.next_ms(), consumers_.next_ms(),
    shares_.next_ms(), idle ? never_ms : expiry_due_ms_});
  if (next_ms == never_ms)
    return {};
  return next_ms;
}

group_effects group_registry::abandon(int64_t now_ms, int64_t wall_ms) {
  auto turn = begin_turn(now_ms, wall_ms);
  constexpr auto error = kafka_error::not_coordinator;
  for (const auto& [id, append] : pending_)
    for (const auto& then : append.continuations)
      then(turn, error);
  pending_.clear();
  shares_.fail_orders(turn, error);
  for (size_t i = 0; i < turn.continuations.size(); ++i) {
    const auto then = turn.continuations[i]; // a copy: it may add more
    then(turn, error);
  }
  for (auto& [id, group] : groups_)
    group_rebalance{group, turn}.refuse_all(error);
  groups_.clear();
  moving_.clear();
  consumers_.clear();
  shares_.clear();
  offsets_.clear();
  transactional_.clear();
  image_.clear();
  wakes_.clear();
  expiry_due_ms_ = never_ms;
  loaded_ = false;
  group_effects effects;
  effects.replies = std::move(turn.effects.replies);
  return effects;
}

group_turn group_registry::begin_turn(int64_t now_ms, int64_t wall_ms) {
  return {config_,
    [this](const std::string& id) {
      return find(id);
    },
    now_ms, wall_ms};
}

group_turn group_registry::begin_turn(const group_request_context& who) {
  MILLRACE_ASSERT(loaded_, "requests come once the log has been read");
  return begin_turn(who.now_ms, who.wall_ms);
}

group_effects group_registry::end_turn(
  group_turn& turn, std::span<const std::string> touched) {
  for (const auto& id : touched) {
    remove_if_blank(id);
    schedule(id);
  }
  if (turn.effects.records.empty()) {
    MILLRACE_ASSERT(turn.continuations.empty(), "only records are waited for");
    return std::move(turn.effects);
  }
  turn.effects.append_id = next_append_id_++;
  pending_.emplace(turn.effects.append_id,
    pending_append{turn.effects.records, turn.effects.transaction, {},
      std::move(turn.continuations), {touched.begin(), touched.end()}});
  return std::move(turn.effects);
}

result<void> group_registry::apply(uint64_t append_id,
  const offsets_record& record, const record_place& place, bool to_image) {
  auto decoded = decode_offsets_record(
    record.key, record.value ? std::optional<std::string_view>{*record.value}
                             : std::nullopt);
  MILLRACE_TRY(decoded);
  auto noted = place;
  if (auto* found = std::get_if<decoded_offset>(&*decoded)) {
    if (!found->value)
      noted = {.at = place.at}; // it erases whatever there is of its key
    apply_offset(append_id, found->key, std::move(found->value), place);
  } else if (auto* group = std::get_if<decoded_group>(&*decoded)) {
    if (loaded_) {
      // Its members are live state, and ahead of the log.
    } else if (group->value) {
      loading_.insert_or_assign(group->group_id, std::move(*group->value));
    } else {
      loading_.erase(group->group_id);
    }
  } else if (const auto* consumer
             = std::get_if<consumer_group_record>(&*decoded)) {
    if (!loaded_) // otherwise they are staged
      consumers_.replay(*consumer);
  } else if (const auto* share = std::get_if<share_group_record>(&*decoded)) {
    if (!loaded_)
      shares_.replay(*share);
  } else {
    return {}; // a kind that a later version writes; the log keeps it
  }
  if (to_image)
    image_.note(record, noted);
  return {};
}

void group_registry::drop(
  uint64_t append_id, const offsets_record& record, bool pending) {
  const auto decoded = decode_offsets_record(record.key, std::nullopt);
  MILLRACE_ASSERT(decoded.ok(), "our own records can be read");
  const auto* found = std::get_if<decoded_offset>(&*decoded);
  if (found && pending)
    transactional_.unstage(found->key);
  else if (found)
    offsets_.drop(append_id, found->key);
}

group_state* group_registry::find(const std::string& id) {
  const auto it = groups_.find(id);
  return it == groups_.end() ? nullptr : &it->second;
}

group_state& group_registry::find_or_create(const std::string& id) {
  return groups_.try_emplace(id, id).first->second;
}

void group_registry::schedule(const std::string& id) {
  const auto* group = find(id);
  const auto wake_ms = group ? group->wake_ms() : never_ms;
  wakes_.set(id, wake_ms);
}

void group_registry::remove_if_blank(const std::string& id) {
  const auto* group = find(id);
  if (group && group->phase() == group_phase::empty && !group->persisted
      && group->pending().empty() && !offsets_.knows(id)
      && !transactional_.knows(id))
    groups_.erase(id);
}

void group_registry::append_offset(group_turn& turn, const offset_key& key,
  std::optional<committed_offset> value) {
  turn.append(encode_offset_record(key, value));
  offsets_.stage(next_append_id_, key, std::move(value));
}

} // namespace millrace
