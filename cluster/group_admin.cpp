// The part of group_registry that shows groups and deletes them.

#include "cluster/group_answers.hpp"
#include "cluster/group_names.hpp"
#include "cluster/group_records.hpp"
#include "cluster/group_registry.hpp"

#include <algorithm>
#include <cctype>
#include <memory>

namespace millrace {

namespace {

constexpr int16_t describe_missing_version = 6; // KIP-1043
/// Until there are ACLs: read, delete, describe, and the two on configurations.
constexpr int32_t group_operations
  = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;
constexpr const char* dead = "Dead";
constexpr const char* classic = "classic";
constexpr const char* consumer = "consumer";
constexpr const char* share = "share";

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return std::tolower(c);
  });
  return text;
}

/// Whether a filter lets `value` through; an empty one lets all.
bool passes(const std::vector<std::string>& filter, const char* value) {
  return filter.empty() || std::ranges::any_of(filter, [&](const auto& wanted) {
    return lower(wanted) == lower(value);
  });
}

void describe(const group_state& group,
  kafka::describe_groups_response::described_group& out) {
  const bool stable = group.phase() == group_phase::stable;
  out.group_state = to_string(group.phase());
  out.protocol_type = group.protocol_type().value_or("");
  const auto protocol = group.protocol_name().value_or("");
  if (stable)
    out.protocol_data = protocol;
  out.members.reserve(group.members().size());
  for (const auto& [id, member] : group.members()) {
    auto& m = out.members.emplace_back();
    m.member_id = id;
    m.group_instance_id = member.instance_id;
    m.client_id = member.client_id;
    m.client_host = member.client_host;
    // The last one until there is another; what they agree on is being renewed.
    m.member_assignment = member.assignment;
    if (stable)
      m.member_metadata = member.metadata(protocol);
  }
}

} // namespace

group_effects group_registry::handle(const group_request_context& who,
  const kafka::describe_groups_request& request) {
  auto turn = begin_turn(who);
  kafka::describe_groups_response answer;
  answer.groups.reserve(request.groups.size());
  for (const auto& id : request.groups) {
    auto& g = answer.groups.emplace_back();
    g.group_id = id;
    if (const auto* group = find(id)) {
      describe(*group, g);
    } else {
      g.group_state = dead;
      if (who.version >= describe_missing_version) {
        g.error_code = code_of(kafka_error::group_id_not_found);
        g.error_message
          = consumers_.find_committed(id) || shares_.find_committed(id)
              ? "Group " + id + " is not a classic group."
              : "Group " + id + " not found.";
      }
    }
    if (request.include_authorized_operations
        && g.error_code == code_of(kafka_error::none))
      g.authorized_operations = group_operations;
  }
  turn.reply(who.token, std::move(answer));
  return end_turn(turn);
}

group_effects group_registry::handle(
  const group_request_context& who, const kafka::list_groups_request& request) {
  auto turn = begin_turn(who);
  kafka::list_groups_response answer;
  for (const auto& [id, group] : groups_) {
    const auto* phase = to_string(group.phase());
    if (passes(request.states_filter, phase)
        && passes(request.types_filter, classic))
      answer.groups.push_back(
        {id, group.protocol_type().value_or(""), phase, classic});
  }
  for (const auto& [id, live] : consumers_.groups()) {
    const auto* group = consumers_.find_committed(id);
    const auto* phase = group ? to_string(group->phase()) : dead;
    if (group && passes(request.states_filter, phase)
        && passes(request.types_filter, consumer))
      answer.groups.push_back({id, consumer, phase, consumer});
  }
  for (const auto& [id, live] : shares_.groups()) {
    const auto* group = shares_.find_committed(id);
    const auto* phase = group ? group->phase() : dead;
    if (group && passes(request.states_filter, phase)
        && passes(request.types_filter, share))
      answer.groups.push_back({id, share, phase, share});
  }
  turn.reply(who.token, std::move(answer));
  return end_turn(turn);
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::consumer_group_describe_request& request) {
  auto turn = begin_turn(who);
  kafka::consumer_group_describe_response answer;
  answer.groups.reserve(request.group_ids.size());
  for (const auto& id : request.group_ids) {
    auto& g = answer.groups.emplace_back();
    g.group_id = id;
    if (consumers_.find_committed(id)) {
      consumers_.describe(id, g);
      if (request.include_authorized_operations)
        g.authorized_operations = group_operations;
    } else if (id.empty()) {
      g.error_code = code_of(kafka_error::invalid_group_id);
    } else {
      g.error_code = code_of(kafka_error::group_id_not_found);
      g.error_message = find(id) || shares_.find_committed(id)
                          ? "Group " + id + " is not a consumer group."
                          : "Group " + id + " not found.";
    }
  }
  turn.reply(who.token, std::move(answer));
  return end_turn(turn);
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::share_group_describe_request& request) {
  auto turn = begin_turn(who);
  kafka::share_group_describe_response answer;
  answer.groups.reserve(request.group_ids.size());
  for (const auto& id : request.group_ids) {
    auto& g = answer.groups.emplace_back();
    g.group_id = id;
    if (id.empty()) {
      g.error_code = code_of(kafka_error::invalid_group_id);
    } else if (shares_.find_committed(id)) {
      shares_.describe(id, g);
      if (request.include_authorized_operations)
        g.authorized_operations = group_operations;
    } else {
      g.error_code = code_of(kafka_error::group_id_not_found);
      g.error_message = is_other_than_share(id)
                          ? "Group " + id + " is not a share group."
                          : "Group " + id + " not found.";
    }
  }
  turn.reply(who.token, std::move(answer));
  return end_turn(turn);
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::explain_group_request& request) {
  auto turn = begin_turn(who);
  kafka::explain_group_response answer;
  const auto* classic = find(request.group_id);
  const auto* log
    = classic ? &classic->rebalances : consumers_.rebalances(request.group_id);
  if (log) {
    for (const auto& note : log->notes())
      answer.rebalances.push_back({note.epoch, note.cause.member,
        note.cause.reason, note.at_ms, note.duration_ms.value_or(-1)});
  } else {
    answer.error_code = code_of(kafka_error::group_id_not_found);
    answer.error_message = "Group " + request.group_id + " not found.";
  }
  turn.reply(who.token, std::move(answer));
  return end_turn(turn);
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::delete_groups_request& request) {
  auto turn = begin_turn(who);
  // Share groups take longer: the states of their partitions go first.
  struct round {
    kafka::delete_groups_response answer;
    size_t open = 1;

    void end(group_turn& later, uint64_t token) {
      if (--open == 0)
        later.reply(token, std::move(answer));
    }
  };
  auto all = std::make_shared<round>();
  std::vector<size_t> shared;
  for (const auto& id : request.groups_names) {
    auto error = kafka_error::none;
    if (shares_.find(id))
      shared.push_back(all->answer.results.size());
    else
      error = delete_group(turn, id);
    all->answer.results.push_back({id, code_of(error)});
  }
  all->open += shared.size();
  for (const auto index : shared)
    shares_.remove(turn, request.groups_names[index],
      [all, index, token = who.token](group_turn& later, kafka_error error) {
        all->answer.results[index].error_code = code_of(error);
        all->end(later, token);
      });
  run_after(turn.effects.records.empty() ? 0 : next_append_id_, turn,
    [all, shared, token = who.token](group_turn& later, kafka_error error) {
      for (size_t i = 0; i < all->answer.results.size(); ++i)
        if (auto& code = all->answer.results[i].error_code;
          error != kafka_error::none && code == code_of(kafka_error::none)
          && std::ranges::find(shared, i) == shared.end())
          code = code_of(group_append_error(error));
      all->end(later, token);
    });
  return end_turn(turn, request.groups_names);
}

kafka_error group_registry::delete_group(
  group_turn& turn, const std::string& id) {
  // Also the group without a name, which may have offsets.
  if (id.size() > record_string_max)
    return kafka_error::invalid_group_id;
  if (const auto* assigned = consumers_.find(id)) {
    if (!assigned->members().empty())
      return kafka_error::non_empty_group;
    erase_consumer_group(turn, id);
    return kafka_error::none;
  }
  const auto* group = find(id);
  if (!group)
    return kafka_error::group_id_not_found;
  if (group->phase() != group_phase::empty)
    return kafka_error::non_empty_group;
  erase_group(turn, id);
  return kafka_error::none;
}

void group_registry::erase_group(group_turn& turn, const std::string& id) {
  for (const auto& key : known_keys(id))
    append_offset(turn, key, {});
  const auto& group = groups_.at(id);
  const bool persisted = group.persisted;
  if (persisted)
    turn.append(encode_group_record(id, {}));
  if (!turn.effects.records.empty())
    turn.when_durable([this, id, group](group_turn&, kafka_error error) {
      // It was not deleted after all. If it has come anew meanwhile, its
      // old record is still in the log.
      if (error != kafka_error::none)
        groups_.try_emplace(id, group).first->second.persisted
          |= group.persisted;
    });
  groups_.erase(id);
}

} // namespace millrace
