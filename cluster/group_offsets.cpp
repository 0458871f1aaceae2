// The part of group_registry that commits, fetches and deletes offsets.

#include "cluster/group_answers.hpp"
#include "cluster/group_names.hpp"
#include "cluster/group_partition.hpp"
#include "cluster/group_registry.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int16_t commit_missing_group_version = 9;
constexpr int16_t fetch_groups_version = 8;

/// The answer to a commit with `error` for each partition.
kafka::offset_commit_response answer_all(
  const kafka::offset_commit_request& request, kafka_error error) {
  kafka::offset_commit_response answer;
  answer.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& t = answer.topics.emplace_back();
    t.name = topic.name;
    t.topic_id = topic.topic_id;
    t.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions)
      t.partitions.push_back({partition.partition_index, code_of(error)});
  }
  return answer;
}

/// `error` for every partition that had none.
kafka::offset_commit_response refuse_rest(
  kafka::offset_commit_response answer, kafka_error error) {
  for (auto& topic : answer.topics)
    for (auto& partition : topic.partitions)
      if (partition.error_code == code_of(kafka_error::none))
        partition.error_code = code_of(error);
  return answer;
}

kafka::offset_delete_response refuse_rest(
  kafka::offset_delete_response answer, kafka_error error) {
  for (auto& topic : answer.topics)
    for (auto& partition : topic.partitions)
      if (partition.error_code == code_of(kafka_error::none))
        partition.error_code = code_of(error);
  return answer;
}

/// Versions up to 7 of OffsetFetch have no topic ids.
template <class Topic>
uuid id_of(const Topic& topic) {
  if constexpr (requires { topic.topic_id; })
    return topic.topic_id;
  else
    return {};
}

template <class Partitions>
void add_offset(Partitions& partitions, int32_t index,
  const committed_offset* value, bool unstable) {
  auto& p = partitions.emplace_back();
  p.partition_index = index;
  if (unstable) {
    p.error_code = code_of(kafka_error::unstable_offset_commit);
    value = nullptr;
  }
  p.committed_offset = value ? value->offset : -1;
  p.committed_leader_epoch = value ? value->leader_epoch : -1;
  p.metadata = value ? value->metadata : std::string{};
}

} // namespace

kafka_error group_registry::check_commit(const group_state* group,
  const group_request_context& who,
  const kafka::offset_commit_request& request) const {
  const auto generation = request.generation_id_or_member_epoch;
  if (request.group_id.size() > record_string_max)
    return kafka_error::invalid_group_id;
  if (shares_.find(request.group_id))
    return kafka_error::group_id_not_found; // it has no committed offsets
  if (const auto* assigned = consumers_.find(request.group_id))
    return millrace::check_commit(*assigned, request.member_id, generation,
      who.version, named_partitions(request))
      .error;
  if (!group) {
    if (generation < 0)
      return kafka_error::none; // keeps offsets only
    return who.version >= commit_missing_group_version
             ? kafka_error::group_id_not_found
             : kafka_error::illegal_generation;
  }
  if (generation < 0 && group->phase() == group_phase::empty)
    return kafka_error::none;
  if (generation < 0 && request.member_id.empty() && !request.group_instance_id)
    return kafka_error::unknown_member_id; // there are members
  const auto error
    = group->validate(request.member_id, request.group_instance_id);
  if (error != kafka_error::none)
    return error;
  if (generation != group->generation())
    return kafka_error::illegal_generation;
  // It will learn its part from SyncGroup, and may commit then.
  if (group->phase() == group_phase::completing_rebalance)
    return kafka_error::rebalance_in_progress;
  return kafka_error::none;
}

bool group_registry::fits_record(
  const std::string& topic, std::string_view metadata) const {
  return java_length(metadata) <= config_.offset_metadata_max
         && metadata.size() <= record_string_max
         && topic.size() <= record_string_max;
}

std::set<offset_key> group_registry::known_keys(
  const std::string& group) const {
  const auto pending = transactional_.keys(group);
  std::set<offset_key> keys{pending.begin(), pending.end()};
  offsets_.for_each_latest(group,
    [&](const std::string& topic, int32_t partition, const committed_offset&) {
      keys.insert({group, topic, partition});
    });
  return keys;
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::offset_commit_request& request) {
  auto turn = begin_turn(who);
  const auto error = check_commit(find(request.group_id), who, request);
  if (error != kafka_error::none) {
    turn.reply(who.token, answer_all(request, error));
    return end_turn(turn);
  }
  if (!consumers_.find(request.group_id)) {
    auto& group = find_or_create(request.group_id);
    if (group.find(request.member_id)) // KIP-62: a commit is a heartbeat
      group.refresh(request.member_id, turn.now_ms);
  }
  auto answer = answer_all(request, kafka_error::none);
  const auto expire_ms = request.retention_time_ms < 0
                           ? int64_t{-1}
                           : turn.wall_ms + request.retention_time_ms;
  for (size_t t = 0; t < request.topics.size(); ++t) {
    const auto& topic = request.topics[t];
    for (size_t p = 0; p < topic.partitions.size(); ++p) {
      const auto& partition = topic.partitions[p];
      const auto metadata = partition.committed_metadata.value_or("");
      if (!fits_record(topic.name, metadata)) {
        answer.topics[t].partitions[p].error_code
          = code_of(kafka_error::offset_metadata_too_large);
        continue;
      }
      append_offset(turn,
        {request.group_id, topic.name, partition.partition_index},
        committed_offset{partition.committed_offset,
          partition.committed_leader_epoch, metadata, turn.wall_ms, expire_ms,
          topic.topic_id});
    }
  }
  turn.reply_when_durable(who.token, std::move(answer),
    [](const kafka::offset_commit_response& all, kafka_error why) {
      return refuse_rest(all, offset_append_error(why));
    });
  return end_turn(turn, request.group_id);
}

template <class Asked, class Answered>
void group_registry::fetch(const std::string& group,
  const std::optional<std::vector<Asked>>& asked, bool require_stable,
  std::vector<Answered>& answered) const {
  // Counting what is appended and not durable yet: an older owner of the
  // partition may have committed it, and its transaction may go on (KIP-447).
  const bool look = require_stable && transactional_.knows(group);
  const auto unstable = [&](const std::string& topic, int32_t partition) {
    return look && transactional_.knows({group, topic, partition});
  };
  if (!asked) {
    offsets_.for_each_committed(
      group, [&](const std::string& topic, int32_t partition,
               const committed_offset& value) {
        if (answered.empty() || answered.back().name != topic)
          answered.emplace_back().name = topic;
        add_offset(answered.back().partitions, partition, &value,
          unstable(topic, partition));
      });
    return;
  }
  answered.reserve(asked->size());
  for (const auto& topic : *asked) {
    auto& t = answered.emplace_back();
    t.name = topic.name;
    const auto id = id_of(topic);
    if constexpr (requires { t.topic_id; })
      t.topic_id = id;
    t.partitions.reserve(topic.partition_indexes.size());
    for (const auto partition : topic.partition_indexes) {
      const auto* value = offsets_.committed(group, topic.name, partition);
      // Committed to an older topic of that name.
      if (value && !id.is_zero() && !value->topic_id.is_zero()
          && id != value->topic_id)
        value = nullptr;
      add_offset(
        t.partitions, partition, value, unstable(topic.name, partition));
    }
  }
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::offset_fetch_request& request) {
  auto turn = begin_turn(who);
  kafka::offset_fetch_response answer;
  if (who.version < fetch_groups_version)
    fetch(
      request.group_id, request.topics, request.require_stable, answer.topics);
  for (const auto& group : request.groups) {
    auto& g = answer.groups.emplace_back();
    g.group_id = group.group_id;
    if (const auto* assigned = consumers_.find_committed(group.group_id))
      if (const auto refusal
          = check_fetch(*assigned, group.member_id, group.member_epoch)) {
        g.error_code = code_of(refusal.error);
        continue;
      }
    fetch(group.group_id, group.topics, request.require_stable, g.topics);
  }
  turn.reply(who.token, std::move(answer));
  return end_turn(turn);
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::offset_delete_request& request) {
  auto turn = begin_turn(who);
  kafka::offset_delete_response answer;
  const auto* group = find(request.group_id);
  const auto* assigned = consumers_.find(request.group_id);
  auto error = kafka_error::none;
  if (!is_group_id(request.group_id))
    error = kafka_error::invalid_group_id;
  else if (!group && !assigned)
    error = kafka_error::group_id_not_found;
  else if (group && group->phase() != group_phase::empty
           && !group->uses_consumer_protocol())
    error = kafka_error::non_empty_group;
  if (error != kafka_error::none) {
    answer.error_code = code_of(error);
    turn.reply(who.token, std::move(answer));
    return end_turn(turn);
  }
  const auto subscribed
    = group ? group->subscribed_topics() : assigned->subscribed_topics();
  for (const auto& topic : request.topics) {
    auto& t = answer.topics.emplace_back();
    t.name = topic.name;
    // What cannot be known counts as subscribed.
    const bool in_use = subscribed ? subscribed->contains(topic.name)
                                   : group->uses_consumer_protocol();
    for (const auto& partition : topic.partitions) {
      const auto index = partition.partition_index;
      t.partitions.push_back(
        {index, code_of(in_use ? kafka_error::group_subscribed_to_topic
                               : kafka_error::none)});
      const offset_key key{request.group_id, topic.name, index};
      if (!in_use
          && (offsets_.latest(key.group, key.topic, key.partition)
              || transactional_.knows(key)))
        append_offset(turn, key, {});
    }
  }
  turn.reply_when_durable(who.token, std::move(answer),
    [](const kafka::offset_delete_response& all, kafka_error why) {
      return refuse_rest(all, offset_append_error(why));
    });
  return end_turn(turn, request.group_id);
}

group_effects group_registry::on_topics_deleted(
  std::span<const std::string> topics, int64_t now_ms, int64_t wall_ms) {
  auto turn = begin_turn(now_ms, wall_ms);
  const std::set<std::string> gone(topics.begin(), topics.end());
  for (const auto& [group, state] : groups_)
    for (const auto& key : known_keys(group))
      if (gone.contains(key.topic))
        append_offset(turn, key, {});
  for (const auto& [group, state] : consumers_.groups())
    for (const auto& key : known_keys(group))
      if (gone.contains(key.topic))
        append_offset(turn, key, {});
  shares_.on_topics_deleted(turn, gone);
  return end_turn(turn);
}

} // namespace millrace
