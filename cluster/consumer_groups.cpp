#include "cluster/consumer_groups.hpp"

#include "cluster/group_answers.hpp"
#include "schema/assert.hpp"

namespace millrace {

namespace {

using described_group
  = kafka::consumer_group_describe_response::described_group;
using described_member
  = kafka::consumer_group_describe_response::described_member;
using described_assignment
  = kafka::consumer_group_describe_response::member_assignment;

// KIP-1099
constexpr int8_t member_type_classic = 0;
constexpr int8_t member_type_consumer = 1;

/// What is answered before the topics are known.
constexpr auto not_loaded = kafka_error::coordinator_load_in_progress;

/// Topics that are gone have no name, and are left out as by Kafka.
described_assignment describe(
  const partition_set& partitions, const topic_view* topics) {
  described_assignment out;
  for (const auto& [id, list] : partitions)
    if (const auto* topic = topics ? topics->find(id) : nullptr)
      out.topic_partitions.push_back({id, topic->name, list});
  return out;
}

} // namespace

void consumer_groups::set_topics(std::shared_ptr<const topic_view> topics) {
  topics_ = std::move(topics);
}

void consumer_groups::replay(const consumer_group_record& record) {
  groups_.try_emplace(record.group_id, record.group_id)
    .first->second.states.replay(record);
}

void consumer_groups::finish_load(int64_t now_ms) {
  std::erase_if(groups_, [](const auto& entry) {
    return entry.second.is_gone();
  });
  for (auto& [id, group] : groups_) {
    group.open_sessions(now_ms, configs_.of(id).session_timeout_ms);
    schedule(id);
  }
}

void consumer_groups::clear() {
  groups_.clear();
  appending_.clear();
  wakes_.clear();
}

consumer_groups::answer<kafka::consumer_group_heartbeat_response>
consumer_groups::heartbeat(group_turn& turn, uint64_t append_id,
  const group_request_context& who,
  const kafka::consumer_group_heartbeat_request& request) {
  if (auto refusal = check_heartbeat(request, who.version, configs_.all()))
    return {heartbeat_refused(std::move(refusal))};
  if (!topics_)
    return {heartbeat_refused({kafka_error::coordinator_load_in_progress, ""})};
  const auto& id = request.group_id;
  if (!find(id) && request.member_epoch != epoch_joining)
    return {heartbeat_refused(
      {kafka_error::group_id_not_found, "Group " + id + " not found."})};
  auto& group = groups_.try_emplace(id, id).first->second;
  const consumer_group_context context{
    configs_.of(id), *topics_, turn.now_ms, turn.wall_ms};
  consumer_group_heartbeat beat{
    group, context, who, request, to_string(new_uuid_())};
  answer<kafka::consumer_group_heartbeat_response> result{beat.run()};
  stage(turn, append_id, group, beat.records());
  result.after = group.states.last_append();
  if (group.is_gone())
    groups_.erase(id); // it was refused
  schedule(id);
  return result;
}

template <class Response, class Serve>
consumer_groups::answer<Response> consumer_groups::classic(group_turn& turn,
  uint64_t append_id, const group_request_context& who, const std::string& id,
  Response not_yet, Serve serve) {
  if (!topics_)
    return {std::move(not_yet)};
  auto& group = groups_.at(id);
  const consumer_group_context context{
    configs_.of(id), *topics_, turn.now_ms, turn.wall_ms};
  consumer_group_classic request{group, context, who};
  answer<Response> result{serve(request)};
  stage(turn, append_id, group, request.records());
  result.after = group.states.last_append();
  schedule(id);
  return result;
}

consumer_groups::answer<kafka::join_group_response> consumer_groups::join(
  group_turn& turn, uint64_t append_id, const group_request_context& who,
  const kafka::join_group_request& request) {
  return classic(turn, append_id, who, request.group_id,
    join_refused(who.version, request.member_id, not_loaded),
    [&](consumer_group_classic& group) {
      return group.join(request, to_string(new_uuid_()));
    });
}

consumer_groups::answer<kafka::sync_group_response> consumer_groups::sync(
  group_turn& turn, uint64_t append_id, const group_request_context& who,
  const kafka::sync_group_request& request) {
  return classic(turn, append_id, who, request.group_id,
    sync_refused(not_loaded), [&](consumer_group_classic& group) {
      return group.sync(request);
    });
}

consumer_groups::answer<kafka::heartbeat_response> consumer_groups::heartbeat(
  group_turn& turn, uint64_t append_id, const group_request_context& who,
  const kafka::heartbeat_request& request) {
  kafka::heartbeat_response not_yet;
  not_yet.error_code = code_of(not_loaded);
  return classic(turn, append_id, who, request.group_id, std::move(not_yet),
    [&](consumer_group_classic& group) {
      return group.heartbeat(request);
    });
}

consumer_groups::answer<kafka::leave_group_response> consumer_groups::leave(
  group_turn& turn, uint64_t append_id, const group_request_context& who,
  const kafka::leave_group_request& request) {
  kafka::leave_group_response not_yet;
  not_yet.error_code = code_of(not_loaded);
  return classic(turn, append_id, who, request.group_id, std::move(not_yet),
    [&](consumer_group_classic& group) {
      return group.leave(request);
    });
}

void consumer_groups::adopt(group_turn& turn, uint64_t append_id,
  const std::string& id, const std::vector<consumer_group_record>& records,
  rebalance_log rebalances) {
  auto& group = groups_.try_emplace(id, id).first->second;
  MILLRACE_ASSERT(!group.latest().exists(), "a name is one group's");
  for (const auto& record : records)
    group.states.latest().apply(record);
  group.open_sessions(turn.now_ms, configs_.of(id).session_timeout_ms);
  group.rebalances = std::move(rebalances);
  stage(turn, append_id, group, records);
  schedule(id);
}

void consumer_groups::erase(
  group_turn& turn, uint64_t append_id, const std::string& id) {
  MILLRACE_ASSERT(find(id), "a group is deleted that is there");
  auto& group = groups_.at(id);
  const topic_view no_topics; // it takes none to delete
  consumer_group_change change{
    group.states.latest(), no_topics, configs_.of(id), turn.wall_ms};
  change.erase();
  stage(turn, append_id, group, change.records());
}

std::vector<std::string> consumer_groups::on_timer(
  group_turn& turn, uint64_t append_id) {
  auto due = wakes_.due(turn.now_ms);
  for (const auto& id : due) {
    auto& group = groups_.at(id);
    if (topics_) {
      const consumer_group_context context{
        configs_.of(id), *topics_, turn.now_ms, turn.wall_ms};
      stage(turn, append_id, group, expire_members(group, context));
    } else {
      // Nobody could keep its session alive so far.
      for (const auto& [member, state] : group.latest().members())
        group.keep_alive(member,
          turn.now_ms
            + state.session_timeout_ms(configs_.of(id).session_timeout_ms));
      group.recompute_wake();
    }
    schedule(id);
  }
  return due;
}

void consumer_groups::end_append(
  uint64_t append_id, bool durable, int64_t now_ms) {
  const auto it = appending_.find(append_id);
  if (it == appending_.end())
    return;
  const auto ids = std::move(it->second);
  appending_.erase(it);
  for (const auto& id : ids) {
    auto& group = groups_.at(id);
    group.end_append(append_id, durable);
    if (!durable)
      group.open_sessions(now_ms, configs_.of(id).session_timeout_ms);
    if (group.is_gone())
      groups_.erase(id);
    schedule(id);
  }
}

const consumer_group_state* consumer_groups::find(const std::string& id) const {
  const auto it = groups_.find(id);
  return it != groups_.end() && it->second.latest().exists()
           ? &it->second.latest()
           : nullptr;
}

const consumer_group_state* consumer_groups::find_committed(
  const std::string& id) const {
  const auto it = groups_.find(id);
  return it != groups_.end() && it->second.states.committed().exists()
           ? &it->second.states.committed()
           : nullptr;
}

const rebalance_log* consumer_groups::rebalances(const std::string& id) const {
  const auto it = groups_.find(id);
  return it == groups_.end() ? nullptr : &it->second.rebalances;
}

uuid consumer_groups::topic_id(const std::string& name) const {
  const auto* topic = topics_ ? topics_->find(name) : nullptr;
  return topic ? topic->id : uuid{};
}

void consumer_groups::describe(
  const std::string& id, described_group& out) const {
  const auto* group = find_committed(id);
  MILLRACE_ASSERT(group, "a group is described that is there");
  out.group_id = id;
  out.group_state = to_string(group->phase());
  out.group_epoch = group->epoch();
  out.assignment_epoch = group->assignment_epoch();
  out.assignor_name = group->preferred_assignor(configs_.all().assignors);
  for (const auto& [member_id, member] : group->members()) {
    auto& m = out.members.emplace_back();
    m.member_id = member_id;
    m.instance_id = member.instance_id;
    m.rack_id = member.rack_id;
    m.member_epoch = member.epoch;
    m.client_id = member.client_id;
    m.client_host = member.client_host;
    m.subscribed_topic_names = member.topic_names;
    m.subscribed_topic_regex = member.topic_regex; // empty, never null
    m.assignment
      = millrace::describe(partitions_in(member.assigned), topics_.get());
    m.target_assignment
      = millrace::describe(group->target(member_id), topics_.get());
    m.member_type = member.classic ? member_type_classic : member_type_consumer;
  }
}

void consumer_groups::stage(group_turn& turn, uint64_t append_id,
  consumer_group& group, const std::vector<consumer_group_record>& records) {
  if (records.empty())
    return;
  for (const auto& record : records)
    turn.append(encode_consumer_group_record(record));
  group.states.stage(append_id, records);
  appending_[append_id].insert(group.latest().id());
}

void consumer_groups::schedule(const std::string& id) {
  const auto it = groups_.find(id);
  wakes_.set(
    id, it == groups_.end() ? consumer_group::never : it->second.wake_ms());
}

} // namespace millrace
