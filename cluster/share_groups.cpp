#include "cluster/share_groups.hpp"

#include "schema/assert.hpp"

namespace millrace {

namespace {

using described_assignment
  = kafka::share_group_describe_response::member_assignment;

/// Topics that are gone have no name, and are left out as by Kafka.
described_assignment describe_partitions(
  const partition_set& partitions, const topic_view* topics) {
  described_assignment out;
  for (const auto& [id, list] : partitions)
    if (const auto* topic = topics ? topics->find(id) : nullptr)
      out.topic_partitions.push_back({id, topic->name, list});
  return out;
}

} // namespace

void share_groups::replay(const share_group_record& record) {
  groups_.try_emplace(record.group_id, record.group_id)
    .first->second.states.replay(record);
}

void share_groups::finish_load(int64_t now_ms) {
  std::erase_if(groups_, [](const auto& entry) {
    return entry.second.is_gone();
  });
  for (auto& [id, group] : groups_) {
    group.open_sessions(now_ms, configs_.of(id).session_timeout_ms);
    schedule(id);
  }
}

void share_groups::clear() {
  groups_.clear();
  appending_.clear();
  wakes_.clear();
  jobs_ = {};
}

share_groups::answer share_groups::heartbeat(group_turn& turn,
  const group_request_context& who,
  const kafka::share_group_heartbeat_request& request) {
  if (auto refusal = check_heartbeat(request))
    return {share_heartbeat_refused(std::move(refusal))};
  if (!topics_)
    return {
      share_heartbeat_refused({kafka_error::coordinator_load_in_progress, ""})};
  const auto& id = request.group_id;
  if (!find(id) && request.member_epoch != epoch_joining)
    return {share_heartbeat_refused({kafka_error::group_id_not_found,
      (request.member_epoch == epoch_leaving ? "Group " : "Share group ") + id
        + " not found."})};
  auto& group = groups_.try_emplace(id, id).first->second;
  const share_group_context context{
    configs_.of(id), *topics_, turn.now_ms, turn.wall_ms};
  share_group_heartbeat beat{group, context, who, request};
  answer result{beat.run()};
  stage(turn, group, beat.records());
  result.after = group.states.last_append();
  ask_states(turn, id);
  erase_if_gone(id); // it was refused
  schedule(id);
  return result;
}

void share_groups::ask_states(group_turn& turn, const std::string& id) {
  auto& group = groups_.at(id);
  const auto under_way = group.states.last_append();
  if (turn.now_ms < group.ask_again_ms
      || (under_way != 0 && under_way != next_append_))
    return;
  std::vector<share_state_question> questions;
  const auto& latest = group.latest();
  for (const auto& [topic, t] : latest.partitions().initializing.topics())
    for (const auto partition : t.partitions)
      if (group.asked.insert({topic, partition}).second)
        questions.push_back({{id, topic, partition},
          share_state_question::initialize{latest.epoch(), offset{-1}}});
  if (questions.empty())
    return;
  start_when_durable(turn, std::move(questions),
    [this, id](group_turn& later, const auto& answers) {
      on_initialized(later, id, answers);
    });
}

void share_groups::on_initialized(group_turn& turn, const std::string& id,
  const std::vector<share_jobs::answered>& answers) {
  auto* group = live(id);
  if (!group)
    return;
  std::vector<partition_name> done;
  for (const auto& [key, answer] : answers) {
    group->asked.erase({key.topic, key.partition});
    if (answer.error == kafka_error::none)
      done.emplace_back(key.topic, key.partition);
    else
      group->ask_again_ms = turn.now_ms + configs_.all().initialize_retry_ms;
  }
  share_group_change change{group->states.latest(), turn.wall_ms};
  change.initialized(done);
  group->ready_news = true;
  stage(turn, *group, change.records());
}

void share_groups::start_when_durable(group_turn& turn,
  std::vector<share_state_question> questions, share_jobs::continuation done) {
  if (turn.effects.records.empty()) {
    jobs_.start(turn, std::move(questions), std::move(done));
    return;
  }
  turn.when_durable(
    [this, questions = std::move(questions), done = std::move(done)](
      group_turn& later, kafka_error error) {
      if (error == kafka_error::none) {
        jobs_.start(later, questions, done);
        return;
      }
      std::vector<share_jobs::answered> refused;
      for (const auto& question : questions)
        refused.push_back({question.key, {group_append_error(error), "", {}}});
      done(later, refused);
    });
}

void share_groups::on_timer(group_turn& turn) {
  for (const auto& id : wakes_.due(turn.now_ms)) {
    auto& group = groups_.at(id);
    if (topics_) {
      const share_group_context context{
        configs_.of(id), *topics_, turn.now_ms, turn.wall_ms};
      stage(turn, group, expire_members(group, context));
    } else {
      // Nobody could keep its session alive so far.
      for (const auto& [member, state] : group.latest().members())
        group.keep_alive(
          member, turn.now_ms + configs_.of(id).session_timeout_ms);
      group.recompute_wake();
    }
    schedule(id);
  }
}

void share_groups::end_append(
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
    erase_if_gone(id);
    schedule(id);
  }
}

void share_groups::on_topics_deleted(
  group_turn& turn, const std::set<std::string>& names) {
  for (auto& [id, group] : groups_) {
    const auto& partitions = group.latest().partitions();
    std::set<uuid> gone;
    const auto look = [&](const uuid& topic, const std::string& name) {
      if (names.contains(name) && (!topics_ || !topics_->find(topic)))
        gone.insert(topic);
    };
    for (const auto* topics :
      {&partitions.initializing, &partitions.initialized})
      for (const auto& [topic, t] : topics->topics())
        look(topic, t.name);
    for (const auto& [topic, name] : partitions.deleting)
      look(topic, name);
    share_group_change change{group.states.latest(), turn.wall_ms};
    change.forget(gone);
    stage(turn, group, change.records());
  }
}

const share_group_state* share_groups::find(const std::string& id) const {
  const auto it = groups_.find(id);
  return it != groups_.end() && it->second.latest().exists()
           ? &it->second.latest()
           : nullptr;
}

const share_group_state* share_groups::find_committed(
  const std::string& id) const {
  const auto it = groups_.find(id);
  return it != groups_.end() && it->second.states.committed().exists()
           ? &it->second.states.committed()
           : nullptr;
}

void share_groups::describe(const std::string& id,
  kafka::share_group_describe_response::described_group& out) const {
  const auto* group = find_committed(id);
  MILLRACE_ASSERT(group, "a group is described that is there");
  out.group_id = id;
  out.group_state = group->phase();
  out.group_epoch = group->epoch();
  out.assignment_epoch = group->assignment_epoch();
  out.assignor_name = "simple";
  for (const auto& [member_id, member] : group->members()) {
    auto& m = out.members.emplace_back();
    m.member_id = member_id;
    m.rack_id = member.rack_id;
    m.member_epoch = member.epoch;
    m.client_id = member.client_id;
    m.client_host = member.client_host;
    m.subscribed_topic_names = member.topic_names;
    m.assignment = describe_partitions(member.assigned, topics_.get());
  }
}

void share_groups::stage(group_turn& turn, share_group& group,
  const std::vector<share_group_record>& records) {
  if (records.empty())
    return;
  for (const auto& record : records)
    turn.append(encode_share_group_record(record));
  group.states.stage(next_append_, records);
  appending_[next_append_].insert(group.latest().id());
}

void share_groups::schedule(const std::string& id) {
  const auto it = groups_.find(id);
  wakes_.set(
    id, it == groups_.end() ? share_group::never : it->second.wake_ms());
}

share_group* share_groups::live(const std::string& id) {
  const auto it = groups_.find(id);
  return it == groups_.end() ? nullptr : &it->second;
}

void share_groups::erase_if_gone(const std::string& id) {
  if (const auto it = groups_.find(id);
    it != groups_.end() && it->second.is_gone())
    groups_.erase(it);
}

} // namespace millrace
