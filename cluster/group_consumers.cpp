// The part of group_registry that serves groups whose coordinator assigns
// (KIP-848), and lets a name pass between the two kinds of groups while
// nobody is in it.

#include "cluster/group_answers.hpp"
#include "cluster/group_rebalance.hpp"
#include "cluster/group_records.hpp"
#include "cluster/group_registry.hpp"

namespace millrace {

group_effects group_registry::handle(const group_request_context& who,
  const kafka::consumer_group_heartbeat_request& request) {
  auto turn = begin_turn(who);
  const auto& id = request.group_id;
  if (const auto* group = find(id);
    group && (!gives_way(*group) || request.member_epoch != epoch_joining)) {
    turn.reply(who.token, heartbeat_refused({kafka_error::group_id_not_found,
                            "Group " + id + " is not a consumer group."}));
    return end_turn(turn);
  }
  auto answer = consumers_.heartbeat(turn, next_append_id_, who, request);
  if (find(id) && consumers_.find(id))
    retire(turn, id);
  reply_after(answer.after, turn, who.token, std::move(answer.response));
  return end_turn(turn, id);
}

bool group_registry::gives_way(const group_state& group) {
  return group.phase() == group_phase::empty && group.pending().empty();
}

void group_registry::retire(group_turn& turn, const std::string& id) {
  const auto group = groups_.at(id);
  if (group.persisted)
    turn.append(encode_group_record(id, {}));
  turn.when_durable([this, id, group](group_turn&, kafka_error error) {
    // The new one never was; unless another has come after it.
    if (error != kafka_error::none && !consumers_.find(id))
      groups_.try_emplace(id, group);
  });
  groups_.erase(id);
}

bool group_registry::make_classic(group_turn& turn, const std::string& id) {
  const auto* group = consumers_.find(id);
  if (!group)
    return true;
  if (!group->members().empty())
    return false;
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
  return true;
}

void group_registry::reply_after(uint64_t append_id, group_turn& turn,
  uint64_t token, kafka::consumer_group_heartbeat_response answer) {
  if (append_id == 0) {
    turn.reply(token, std::move(answer));
    return;
  }
  auto then = [token, answer = std::move(answer)](
                group_turn& later, kafka_error error) {
    later.reply(token, error == kafka_error::none
                         ? answer
                         : heartbeat_refused({group_append_error(error), ""}));
  };
  if (append_id == next_append_id_)
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
