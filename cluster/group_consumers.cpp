// The part of group_registry that serves groups whose coordinator assigns
// (KIP-848), and lets a name pass between the two kinds of groups.

#include "cluster/group_answers.hpp"
#include "cluster/group_migration.hpp"
#include "cluster/group_rebalance.hpp"
#include "cluster/group_records.hpp"
#include "cluster/group_registry.hpp"

#include <algorithm>

namespace millrace {

namespace {

kafka::leave_group_response leave_refused(kafka_error error) {
  kafka::leave_group_response answer;
  answer.error_code = code_of(error);
  return answer;
}

} // namespace

template <class Response, class Refuse>
void group_registry::reply_after(group_turn& turn, uint64_t token,
  consumer_groups::answer<Response> answer, Refuse refuse) {
  run_after(answer.after, turn,
    [token, refuse, response = std::move(answer.response)](
      group_turn& later, kafka_error error) {
      later.reply(token, error == kafka_error::none
                           ? response
                           : refuse(group_append_error(error)));
    });
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::consumer_group_heartbeat_request& request) {
  auto turn = begin_turn(who);
  const auto& id = request.group_id;
  if (const auto* group = find(id);
    shares_.find(id) || is_moving(id) || (group && !gives_way(*group)))
    if (auto refusal = upgrade(turn, who, request)) {
      turn.reply(who.token, heartbeat_refused(std::move(refusal)));
      return end_turn(turn);
    }
  auto answer = consumers_.heartbeat(turn, next_append_id_, who, request);
  if (find(id) && consumers_.find(id))
    retire(turn, id);
  if (request.member_epoch == epoch_leaving)
    downgrade_if_due(turn, id);
  reply_after(turn, who.token, std::move(answer), [](kafka_error error) {
    return heartbeat_refused({error, ""});
  });
  return end_turn(turn, id);
}

group_effects group_registry::handle_assigned(
  const group_request_context& who, const kafka::join_group_request& request) {
  auto turn = begin_turn(who);
  auto answer = consumers_.join(turn, next_append_id_, who, request);
  downgrade_if_due(turn, request.group_id); // it may have taken a place
  reply_after(turn, who.token, std::move(answer),
    [version = who.version, id = request.member_id](kafka_error error) {
      return join_refused(version, id, error);
    });
  return end_turn(turn, request.group_id);
}

group_effects group_registry::handle_assigned(
  const group_request_context& who, const kafka::sync_group_request& request) {
  auto turn = begin_turn(who);
  reply_after(turn, who.token,
    consumers_.sync(turn, next_append_id_, who, request), sync_refused);
  return end_turn(turn, request.group_id);
}

group_effects group_registry::handle_assigned(
  const group_request_context& who, const kafka::heartbeat_request& request) {
  auto turn = begin_turn(who);
  auto answer = consumers_.heartbeat(turn, next_append_id_, who, request);
  turn.reply(who.token, std::move(answer.response)); // it changes nothing
  return end_turn(turn, request.group_id);
}

group_effects group_registry::handle_assigned(
  const group_request_context& who, const kafka::leave_group_request& request) {
  auto turn = begin_turn(who);
  reply_after(turn, who.token,
    consumers_.leave(turn, next_append_id_, who, request), leave_refused);
  return end_turn(turn, request.group_id);
}

bool group_registry::is_assigned(const std::string& id) const {
  const auto* group = consumers_.find(id);
  return group && !group->members().empty();
}

bool group_registry::gives_way(const group_state& group) {
  return group.phase() == group_phase::empty && group.pending().empty();
}

group_refusal group_registry::upgrade(group_turn& turn,
  const group_request_context& who,
  const kafka::consumer_group_heartbeat_request& request) {
  const auto& id = request.group_id;
  if (shares_.find(id))
    return {kafka_error::group_id_not_found,
      "Group " + id + " is not a consumer group."};
  if (is_moving(id) || !consumers_.topics())
    return {kafka_error::coordinator_load_in_progress, ""};
  if (auto refusal = check_heartbeat(request, who.version, config_.consumer))
    return refusal;
  auto& group = groups_.at(id);
  const auto policy = config_.consumer.migration;
  const auto size_max = static_cast<size_t>(config_.consumer.size_max);
  if (request.member_epoch != epoch_joining || !group.uses_consumer_protocol()
      || group.members().empty()
      || (policy != migration_policy::upgrade
          && policy != migration_policy::bidirectional))
    return {kafka_error::group_id_not_found,
      "Group " + id + " is not a consumer group."};
  if (group.members().size() >= size_max)
    return {kafka_error::group_max_size_reached,
      "The classic group has too many members to become a consumer group."};
  const auto records = upgraded(group, *consumers_.topics(), turn.wall_ms);
  if (!records)
    return {kafka_error::group_id_not_found,
      "Group " + id
        + " cannot become a consumer group: " + records.error().context};
  group_rebalance{group, turn}.refuse_all(kafka_error::rebalance_in_progress);
  auto rebalances = group.rebalances;
  retire(turn, id);
  consumers_.adopt(turn, next_append_id_, id, *records, std::move(rebalances));
  return {};
}

void group_registry::retire(group_turn& turn, const std::string& id) {
  const auto group = groups_.at(id);
  if (group.persisted)
    turn.append(encode_group_record(id, {}));
  moving_.insert(id);
  turn.when_durable([this, id, group](group_turn&, kafka_error error) {
    moving_.erase(id);
    // The new one never was.
    if (error != kafka_error::none && !consumers_.find(id))
      groups_.try_emplace(id, group);
  });
  groups_.erase(id);
}

void group_registry::downgrade_if_due(group_turn& turn, const std::string& id) {
  const auto policy = config_.consumer.migration;
  const auto* group = consumers_.find(id);
  const bool all_classic
    = group && std::ranges::all_of(group->members(), [](const auto& entry) {
        return entry.second.classic.has_value();
      });
  if (!all_classic || group->members().empty() || is_moving(id)
      || group->members().size() > static_cast<size_t>(config_.size_max)
      || !consumers_.topics()
      || (policy != migration_policy::downgrade
          && policy != migration_policy::bidirectional))
    return;
  auto classic
    = downgraded(*group, *consumers_.topics(), turn.now_ms, turn.wall_ms);
  classic.rebalances = *consumers_.rebalances(id);
  consumers_.erase(turn, next_append_id_, id);
  classic.persisted = true;
  turn.append(encode_group_record(id, classic.to_record(nullptr)));
  groups_.try_emplace(id, std::move(classic));
  moving_.insert(id);
  turn.when_durable([this, id](group_turn& later, kafka_error error) {
    moving_.erase(id);
    auto* classic = find(id);
    if (error != kafka_error::none)
      groups_.erase(id);
    else if (classic && classic->phase() == group_phase::stable)
      group_rebalance{*classic, later}.prepare(
        {"", "went back to the classic protocol"}); // which needs a leader
  });
}

void group_registry::make_classic(group_turn& turn, const std::string& id) {
  if (!consumers_.find(id))
    return;
  consumers_.erase(turn, next_append_id_, id);
  turn.when_durable([this, id](group_turn& later, kafka_error error) {
    // It is there after all, so nobody may be in the other.
    if (error == kafka_error::none || !consumers_.find(id))
      return;
    if (auto* classic = find(id)) {
      group_rebalance{*classic, later}.refuse_all(group_append_error(error));
      groups_.erase(id);
    }
  });
}

void group_registry::run_after(
  uint64_t append_id, group_turn& turn, group_turn::continuation then) {
  if (append_id == 0)
    then(turn, kafka_error::none);
  else if (append_id == next_append_id_)
    turn.when_durable(std::move(then));
  else
    pending_.at(append_id).continuations.push_back(std::move(then));
}

partition_set group_registry::named_partitions(
  const kafka::offset_commit_request& request) const {
  partition_set set;
  for (const auto& topic : request.topics) {
    const auto id = topic.topic_id.is_zero() ? consumers_.topic_id(topic.name)
                                             : topic.topic_id;
    for (const auto& partition : topic.partitions)
      insert(set, id, partition.partition_index);
  }
  return set;
}

void group_registry::erase_consumer_group(
  group_turn& turn, const std::string& id) {
  for (const auto& key : known_keys(id))
    append_offset(turn, key, {});
  consumers_.erase(turn, next_append_id_, id);
}

} // namespace millrace
