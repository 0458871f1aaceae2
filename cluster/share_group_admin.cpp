// The part of share_groups that shows where groups are, moves them, and
// deletes them: what needs the coordinators of their share partitions.

#include "cluster/group_answers.hpp"
#include "cluster/share_groups.hpp"
#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

using question = share_state_question;
using offsets_response = kafka::describe_share_group_offsets_response;
using alter_response = kafka::alter_share_group_offsets_response;
using delete_response = kafka::delete_share_group_offsets_response;

constexpr int16_t lag_version = 1;
constexpr const char* no_such_partition
  = "This server does not host this topic-partition.";

/// Of a state that is to be forgotten. With a topic its states go, too.
kafka_error why_kept(const share_state_answer& answer) {
  return answer.error == kafka_error::unknown_topic_or_partition
           ? kafka_error::none
           : answer.error;
}

kafka_error first_error(const std::vector<share_jobs::answered>& answers) {
  for (const auto& [key, answer] : answers)
    if (const auto error = why_kept(answer); error != kafka_error::none)
      return error;
  return kafka_error::none;
}

/// How many records a group has yet to be done with; -1: unknown.
int64_t lag_of(const share_partition_snapshot& state, offset end) {
  if (state.start.value < 0 || state.delivery_complete_count < 0)
    return -1;
  return std::max<int64_t>(
    end.value - state.start.value - state.delivery_complete_count, 0);
}

/// Anything that has one error at the top.
template <class Response>
Response refused(kafka_error error, std::string message) {
  Response response;
  response.error_code = code_of(error);
  if (!message.empty())
    response.error_message = std::move(message);
  return response;
}

} // namespace

// -- describe -----------------------------------------------------------------

struct share_groups::offsets_round {
  uint64_t token = 0;
  size_t open = 1; ///< groups, and the one who starts them
  offsets_response response;

  void end_one(group_turn& turn) {
    if (--open == 0)
      turn.reply(token, std::move(response));
  }
};

void share_groups::describe_offsets(group_turn& turn,
  const group_request_context& who,
  const kafka::describe_share_group_offsets_request& request) {
  auto round = std::make_shared<offsets_round>();
  round->token = who.token;
  for (const auto& asked : request.groups) {
    auto& out = round->response.groups.emplace_back();
    out.group_id = asked.group_id;
    const auto* group = find_committed(asked.group_id);
    const auto add = [&](const std::string& name, const uuid& id) -> auto& {
      auto& t = out.topics.emplace_back();
      t.topic_name = name;
      t.topic_id = id;
      return t.partitions;
    };
    if (!asked.topics) {
      if (group)
        for (const auto& [id, t] : group->partitions().initialized.topics()) {
          auto& partitions = add(t.name, id);
          for (const auto p : t.partitions)
            partitions.push_back({p, -1, 0, -1, 0, {}});
        }
      continue;
    }
    for (const auto& t : *asked.topics) {
      const auto* topic = topics_ ? topics_->find(t.topic_name) : nullptr;
      auto& partitions = add(t.topic_name, topic ? topic->id : uuid{});
      for (const auto p : t.partitions)
        partitions.push_back({p, -1, 0, -1, 0, {}});
    }
  }
  for (size_t i = 0; i < round->response.groups.size(); ++i)
    describe_group(turn, round, i, who.version >= lag_version);
  round->end_one(turn);
}

void share_groups::describe_group(group_turn& turn,
  const std::shared_ptr<offsets_round>& round, size_t index, bool with_lag) {
  const auto& out = round->response.groups[index];
  const auto* group = find_committed(out.group_id);
  if (!group)
    return;
  std::vector<share_state_question> questions;
  for (const auto& t : out.topics)
    for (const auto& p : t.partitions)
      if (group->partitions().initialized.contains(
            t.topic_id, p.partition_index)) {
        const share_partition_key key{
          out.group_id, t.topic_id, p.partition_index};
        questions.push_back({key, question::summarize{}});
        if (with_lag)
          questions.push_back({key, question::log_end{}});
      }
  const size_t stride = with_lag ? 2 : 1;
  ++round->open;
  jobs_.start(turn, std::move(questions),
    [round, index, stride](group_turn& later, const auto& answers) {
      std::map<partition_name, size_t> places;
      for (size_t i = 0; i < answers.size(); i += stride)
        places[{answers[i].key.topic, answers[i].key.partition}] = i;
      for (auto& t : round->response.groups[index].topics)
        for (auto& p : t.partitions) {
          const auto at = places.find({t.topic_id, p.partition_index});
          if (at == places.end())
            continue;
          const auto& told = answers[at->second].answer;
          p.error_code = code_of(told.error);
          if (told.error != kafka_error::none)
            continue;
          p.start_offset = told.state.start.value;
          p.leader_epoch = told.state.leader_epoch;
          if (stride == 1)
            continue;
          const auto& end = answers[at->second + 1].answer;
          if (end.error == kafka_error::none)
            p.lag = lag_of(told.state, end.state.start);
        }
      round->end_one(later);
    });
}

// -- alter --------------------------------------------------------------------

struct share_groups::alter_round {
  uint64_t token = 0;
  alter_response response;

  void set(const share_partition_key& key, kafka_error error) {
    for (auto& t : response.responses)
      for (auto& p : t.partitions)
        if (t.topic_id == key.topic && p.partition_index == key.partition)
          p.error_code = code_of(error);
  }
};

void share_groups::alter_offsets(group_turn& turn, uint64_t token,
  const kafka::alter_share_group_offsets_request& request) {
  const auto& id = request.group_id;
  if (!topics_) {
    turn.reply(token,
      refused<alter_response>(kafka_error::coordinator_load_in_progress, ""));
    return;
  }
  if (const auto* known = find(id); known && !known->is_empty()) {
    turn.reply(token, refused<alter_response>(kafka_error::non_empty_group,
                        "The group is not empty."));
    return;
  }
  auto round = std::make_shared<alter_round>();
  round->token = token;
  auto& group = groups_.try_emplace(id, id).first->second;
  share_group_change change{group.states.latest(), turn.wall_ms};
  std::vector<share_state_question> questions;
  for (const auto& asked : request.topics) {
    const auto* topic = topics_->find(asked.topic_name);
    auto& t = round->response.responses.emplace_back();
    t.topic_name = asked.topic_name;
    t.topic_id = topic ? topic->id : uuid{};
    for (const auto& p : asked.partitions) {
      const auto index = p.partition_index;
      auto& out = t.partitions.emplace_back();
      out.partition_index = index;
      if (!topic || index < 0 || index >= topic->partitions) {
        out.error_code = code_of(kafka_error::unknown_topic_or_partition);
        out.error_message = no_such_partition;
        continue;
      }
      if (!change.group().partitions().initialized.contains(topic->id, index))
        change.initialize(topic->id, topic->name, index);
      group.asked.insert({topic->id, index});
      questions.push_back({{id, topic->id, index},
        question::initialize{change.group().epoch(),
          offset{std::max<int64_t>(p.start_offset, 0)}}});
    }
  }
  if (change.group().is_empty() && !questions.empty())
    change.assign(*topics_, 0); // nobody has anything
  stage(turn, group, change.records());
  erase_if_gone(id); // nothing of it is here
  start_when_durable(turn, std::move(questions),
    [this, id, round](group_turn& later, const auto& answers) {
      for (const auto& [key, answer] : answers)
        round->set(key, answer.error);
      on_initialized(later, id, answers);
      later.reply_when_durable(round->token, std::move(round->response),
        [](const alter_response&, kafka_error error) {
          return refused<alter_response>(group_append_error(error), "");
        });
    });
}

// -- delete -------------------------------------------------------------------

std::vector<share_state_question> share_groups::forget_questions(
  const share_group_state& group, const std::set<uuid>& topics) const {
  std::set<partition_name> all;
  const auto& partitions = group.partitions();
  for (const auto* known : {&partitions.initializing, &partitions.initialized})
    for (const auto& [id, t] : known->topics())
      for (const auto p : t.partitions)
        if (topics.contains(id))
          all.insert({id, p});
  // Of what was being deleted before only the topics are known.
  for (const auto& [id, name] : partitions.deleting)
    if (const auto* topic = topics_ ? topics_->find(id) : nullptr;
      topic && topics.contains(id))
      for (int32_t p = 0; p < topic->partitions; ++p)
        all.insert({id, p});
  std::vector<share_state_question> questions;
  for (const auto& [id, p] : all)
    questions.push_back({{group.id(), id, p}, question::forget{}});
  return questions;
}

struct share_groups::delete_round {
  uint64_t token = 0;
  delete_response response;
};

void share_groups::delete_offsets(group_turn& turn, uint64_t token,
  const kafka::delete_share_group_offsets_request& request) {
  const auto& id = request.group_id;
  const auto* known = find(id);
  if (!known || !topics_) {
    turn.reply(
      token, topics_ ? refused<delete_response>(kafka_error::group_id_not_found,
                         "Group " + id + " not found.")
                     : refused<delete_response>(
                         kafka_error::coordinator_load_in_progress, ""));
    return;
  }
  if (!known->is_empty()) {
    turn.reply(token, refused<delete_response>(kafka_error::non_empty_group,
                        "The group is not empty."));
    return;
  }
  auto round = std::make_shared<delete_round>();
  round->token = token;
  std::set<uuid> topics;
  auto& group = groups_.at(id);
  std::set<std::string> told;
  for (const auto& asked : request.topics) {
    if (!told.insert(asked.topic_name).second)
      continue;
    auto& t = round->response.responses.emplace_back();
    t.topic_name = asked.topic_name;
    const auto* topic = topics_->find(asked.topic_name);
    const auto& partitions = known->partitions();
    if (topic
        && (partitions.initialized.topics().contains(topic->id)
            || partitions.initializing.topics().contains(topic->id)
            || partitions.deleting.contains(topic->id))) {
      t.topic_id = topic->id;
      topics.insert(topic->id);
      continue;
    }
    t.error_code = code_of(kafka_error::unknown_topic_or_partition);
    t.error_message
      = topic ? "There is no offset information to delete." : no_such_partition;
  }
  auto questions = forget_questions(group.latest(), topics);
  share_group_change change{group.states.latest(), turn.wall_ms};
  for (const auto& topic : topics)
    change.start_deleting(topic, topics_->find(topic)->name);
  stage(turn, group, change.records());
  start_when_durable(turn, std::move(questions),
    [this, id, round, topics](group_turn& later, const auto& answers) {
      auto done = topics;
      for (const auto& [key, answer] : answers)
        if (const auto error = why_kept(answer); error != kafka_error::none) {
          done.erase(key.topic);
          for (auto& t : round->response.responses)
            if (t.topic_id == key.topic)
              t.error_code = code_of(error);
        }
      forget_states(later, id, done);
      later.reply_when_durable(round->token, std::move(round->response),
        [](const delete_response&, kafka_error error) {
          return refused<delete_response>(group_append_error(error), "");
        });
    });
}

void share_groups::forget_states(
  group_turn& turn, const std::string& id, const std::set<uuid>& topics) {
  auto* group = live(id);
  if (!group)
    return;
  share_group_change change{group->states.latest(), turn.wall_ms};
  change.forget(topics);
  stage(turn, *group, change.records());
}

void share_groups::remove(
  group_turn& turn, const std::string& id, ending done) {
  auto* group = live(id);
  MILLRACE_ASSERT(group, "a group is deleted that is there");
  if (!group->latest().is_empty()) {
    done(turn, kafka_error::non_empty_group);
    return;
  }
  std::map<uuid, std::string> topics = group->latest().partitions().deleting;
  const auto& partitions = group->latest().partitions();
  for (const auto* known : {&partitions.initializing, &partitions.initialized})
    for (const auto& [topic, t] : known->topics())
      topics[topic] = t.name;
  std::set<uuid> ids;
  for (const auto& [topic, name] : topics)
    ids.insert(topic);
  auto questions = forget_questions(group->latest(), ids);
  share_group_change change{group->states.latest(), turn.wall_ms};
  for (const auto& [topic, name] : topics)
    change.start_deleting(topic, name);
  stage(turn, *group, change.records());
  start_when_durable(turn, std::move(questions),
    [this, id, done](group_turn& later, const auto& answers) {
      on_deleted(later, id, answers, done);
    });
}

void share_groups::on_deleted(group_turn& turn, const std::string& id,
  const std::vector<share_jobs::answered>& answers, const ending& done) {
  auto* group = live(id);
  if (const auto error = first_error(answers);
    error != kafka_error::none || !group || !find(id)) {
    done(
      turn, error == kafka_error::none || error == kafka_error::not_coordinator
              ? error
              : kafka_error::coordinator_not_available);
    return;
  }
  share_group_change change{group->states.latest(), turn.wall_ms};
  if (group->latest().is_empty()) {
    change.erase();
  } else { // somebody has come meanwhile, and begins anew
    std::set<uuid> topics;
    for (const auto& [topic, name] : group->latest().partitions().deleting)
      topics.insert(topic);
    change.forget(topics);
    done(turn, kafka_error::non_empty_group);
  }
  const bool erased = !group->latest().exists();
  stage(turn, *group, change.records());
  if (erased)
    turn.when_durable([done](group_turn& later, kafka_error error) {
      done(later, group_append_error(error));
    });
}

} // namespace millrace
