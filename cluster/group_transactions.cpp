// The part of group_registry that commits offsets with transactions (KIP-98,
// 447): they are pending until the marker of their transaction is applied.

#include "cluster/group_answers.hpp"
#include "cluster/group_names.hpp"
#include "cluster/group_records.hpp"
#include "cluster/group_registry.hpp"
#include "schema/assert.hpp"
#include "schema/planted_bug.hpp"

namespace millrace {

namespace {

/// `error` for every partition that had none.
kafka::txn_offset_commit_response refuse_rest(
  kafka::txn_offset_commit_response answer, kafka_error error) {
  for (auto& topic : answer.topics)
    for (auto& partition : topic.partitions)
      if (partition.error_code == code_of(kafka_error::none))
        partition.error_code = code_of(error);
  return answer;
}

} // namespace

kafka_error group_registry::check_commit(
  const kafka::txn_offset_commit_request& request) {
  if (!is_group_id(request.group_id))
    return kafka_error::invalid_group_id;
  if (request.producer_id < 0 || request.producer_epoch < 0)
    return kafka_error::invalid_producer_id_mapping;
  if (shares_.find(request.group_id))
    return kafka_error::group_id_not_found;
  if (const auto* assigned = consumers_.find(request.group_id)) {
    // Up to version 2 nobody says which member it is.
    if (request.generation_id < 0 && request.member_id.empty())
      return kafka_error::none;
    constexpr int16_t any_version = INT16_MAX;
    return millrace::check_commit(
      *assigned, request.member_id, request.generation_id, any_version, {})
      .error;
  }
  const auto* group = find(request.group_id);
  if (!group)
    return request.generation_id < 0 ? kafka_error::none
                                     : kafka_error::illegal_generation;
  // Up to version 2 nobody says which member it is, and from then on only who
  // uses the group's metadata: the transaction alone fences them.
  const bool anonymous = request.generation_id < 0 && request.member_id.empty()
                         && !request.group_instance_id;
  if (anonymous
      || (request.generation_id < 0 && group->phase() == group_phase::empty))
    return kafka_error::none;
  const auto error
    = group->validate(request.member_id, request.group_instance_id);
  if (error != kafka_error::none)
    return error;
  // Unlike an ordinary commit it may come while the next generation begins.
  return request.generation_id == group->generation()
           ? kafka_error::none
           : kafka_error::illegal_generation;
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::txn_offset_commit_request& request) {
  auto turn = begin_turn(who);
  const auto error = check_commit(request);
  auto answer = txn_offset_commit_answer(request, error);
  if (error != kafka_error::none) {
    turn.reply(who.token, std::move(answer));
    return end_turn(turn);
  }
  if (!consumers_.find(request.group_id))
    (void)find_or_create(request.group_id);
  turn.effects.transaction
    = batch_producer{{request.producer_id}, request.producer_epoch};
  for (size_t t = 0; t < request.topics.size(); ++t) {
    const auto& topic = request.topics[t];
    for (size_t p = 0; p < topic.partitions.size(); ++p) {
      const auto& partition = topic.partitions[p];
      const auto metadata = partition.committed_metadata.value_or("");
      if (!fits_record(topic.name, metadata))
        answer.topics[t].partitions[p].error_code
          = code_of(kafka_error::offset_metadata_too_large);
      else
        append_pending(turn,
          {request.group_id, topic.name, partition.partition_index},
          {.offset = partition.committed_offset,
            .leader_epoch = partition.committed_leader_epoch,
            .metadata = metadata,
            .commit_ms = turn.wall_ms});
    }
  }
  turn.reply_when_durable(who.token, std::move(answer),
    [](const kafka::txn_offset_commit_response& all, kafka_error why) {
      return refuse_rest(all, offset_append_error(why));
    });
  return end_turn(turn, request.group_id);
}

void group_registry::append_pending(
  group_turn& turn, const offset_key& key, const committed_offset& value) {
  turn.append(encode_offset_record(key, value));
  transactional_.stage(key);
}

uint64_t group_registry::begin_marker(producer_id producer, bool commit) {
  MILLRACE_ASSERT(loaded_, "markers come once the log has been read");
  const auto append_id = next_append_id_++;
  pending_[append_id].marker = end_marker{producer, commit};
  return append_id;
}

void group_registry::replay_marker(producer_id producer, bool commit) {
  MILLRACE_ASSERT(!loaded_, "the log is replayed before the registry serves");
  apply_marker({producer, commit});
}

void group_registry::apply_offset(uint64_t append_id, const offset_key& key,
  std::optional<committed_offset> value, const record_place& place) {
  const bool in_transaction = place.producer.value >= 0;
  if (in_transaction && append_id != 0)
    transactional_.unstage(key);
  if (in_transaction && value && !planted(bug::group_shows_pending)) {
    transactional_.put(place.producer, key, {std::move(*value), place.at});
    return;
  }
  // A tombstone is the end of pending offsets, too.
  if (!value)
    erase_pending(key, place);
  offsets_.apply(append_id, key, std::move(value), place.at);
}

void group_registry::erase_pending(
  const offset_key& key, const record_place& place) {
  const auto tombstone = encode_offset_record(key, {});
  for (const auto producer : transactional_.erase(key))
    image_.note(tombstone, {place.at, producer});
}

std::vector<std::string> group_registry::apply_marker(
  const end_marker& marker) {
  std::vector<std::string> groups;
  const bool commit = marker.commit || planted(bug::group_commits_aborted);
  for (auto& [key, pending] : transactional_.take(marker.producer)) {
    if (groups.empty() || groups.back() != key.group)
      groups.push_back(key.group);
    image_.note(encode_offset_record(key, {}), {pending.at, marker.producer});
    // The newest record counts, whenever its transaction ended: what
    // compaction keeps of the key.
    if (!commit || pending.at <= offsets_.committed_at(key))
      continue;
    image_.note(encode_offset_record(key, pending.value), {.at = pending.at});
    offsets_.apply(0, key, std::move(pending.value), pending.at);
  }
  return groups;
}

} // namespace millrace
