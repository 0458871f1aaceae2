// The APIs of consumer groups that name several groups, whose coordinators
// may differ: asked one by one, answered together.

#include "actors/kafka/sinks.hpp"

#include <set>

namespace millrace {

namespace {

using group_sink = gather_sink<group_answer>;

group_ask ask_for(const kafka_request& request, group_question question) {
  return {.version = request.slot.version,
    .client_id = request.header.client_id.value_or(""),
    .client_host = "/" + request.remote->host,
    .question = std::move(question)};
}

using fetch_group = kafka::offset_fetch_response::offset_fetch_response_group;

/// v0-v7 ask for one group at the top, v8+ for a list: one form for both.
kafka::offset_fetch_request one_group(
  kafka::offset_fetch_request& body, size_t index, int16_t version) {
  kafka::offset_fetch_request one;
  one.require_stable = body.require_stable;
  if (version >= 8) {
    one.groups.push_back(std::move(body.groups[index]));
  } else {
    one.group_id = std::move(body.group_id);
    one.topics = std::move(body.topics);
  }
  return one;
}

/// v10 names topics by id; offsets are kept by name.
fetch_group take_unknown_topics(
  const gateway_core& hub, kafka::offset_fetch_request& one) {
  fetch_group unknown;
  auto& group = one.groups.front();
  if (!group.topics)
    return unknown;
  std::erase_if(*group.topics, [&](auto& topic) {
    if (const auto* image = hub.image().find_topic(topic.topic_id)) {
      topic.name = image->name;
      return false;
    }
    auto& out = unknown.topics.emplace_back();
    out.topic_id = topic.topic_id;
    for (const auto index : topic.partition_indexes)
      out.partitions.push_back({.partition_index = index,
        .committed_offset = -1,
        .error_code = code(kafka_error::unknown_topic_id)});
    return true;
  });
  return unknown;
}

} // namespace

result<void> handle_offset_fetch(gateway_core& hub, kafka_request& request) {
  kafka::offset_fetch_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto slot = request.slot;
  const auto version = slot.version;
  const size_t count = version >= 8 ? body.groups.size() : 1;
  auto response = std::make_shared<kafka::offset_fetch_response>();
  auto unknown = std::make_shared<std::vector<fetch_group>>(count);
  if (version >= 8) {
    response->groups.resize(count);
    for (size_t i = 0; i < count; ++i)
      response->groups[i].group_id = body.groups[i].group_id;
  }
  const auto fail = [response, version](uint32_t i, kafka_error error) {
    if (version >= 8)
      response->groups[i].error_code = code(error);
    else
      response->error_code = code(error);
  };
  auto sink = std::make_shared<group_sink>(
    [&hub, response, unknown, version, fail](uint32_t i, group_answer* answer) {
      if (answer == nullptr) {
        fail(i, kafka_error::not_coordinator);
        return;
      }
      auto& got = std::get<kafka::offset_fetch_response>(answer->reply);
      if (version < 8) {
        *response = std::move(got);
        return;
      }
      auto& group = response->groups[i];
      group = std::move(got.groups.front());
      if (version >= 10) {
        for (auto& topic : group.topics)
          if (const auto* image = hub.image().find_topic(topic.name))
            topic.topic_id = image->id;
        // Offsets of topics that are gone have no id to be told by.
        std::erase_if(group.topics, [](const auto& t) {
          return t.topic_id.is_zero();
        });
        if (group.error_code == code(kafka_error::none))
          for (auto& topic : (*unknown)[i].topics)
            group.topics.push_back(std::move(topic));
      }
    },
    [&hub, slot, response] {
      reply(hub, slot, *response);
    });
  for (uint32_t i = 0; i < count; ++i) {
    auto one = one_group(body, i, version);
    const auto& id = version >= 8 ? one.groups.front().group_id : one.group_id;
    const auto& coordinator = hub.coordinator(id);
    if (coordinator == nullptr) {
      fail(i, why_no_coordinator(hub, id));
      continue;
    }
    if (version >= 10)
      (*unknown)[i] = take_unknown_topics(hub, one);
    sink->expect();
    hub.ask_group(coordinator, sink, i, ask_for(request, std::move(one)));
  }
  sink->asked_all();
  return {};
}

namespace {

/// Each group is described by its own coordinator.
/// @param ids the groups that the request names
template <class Request, class Response>
result<void> describe(gateway_core& hub, kafka_request& request,
  std::vector<std::string> Request::* ids) {
  Request body;
  MILLRACE_TRY(read_body(request, body));
  const auto& groups = body.*ids;
  auto response = std::make_shared<Response>();
  response->groups.resize(groups.size());
  for (size_t i = 0; i < groups.size(); ++i)
    response->groups[i].group_id = groups[i];
  auto sink = std::make_shared<group_sink>(
    [response](uint32_t i, group_answer* answer) {
      if (answer == nullptr)
        response->groups[i].error_code = code(kafka_error::not_coordinator);
      else
        response->groups[i]
          = std::move(std::get<Response>(answer->reply).groups.front());
    },
    [&hub, slot = request.slot, response] {
      reply(hub, slot, *response);
    });
  for (uint32_t i = 0; i < groups.size(); ++i) {
    const auto& coordinator = hub.coordinator(groups[i]);
    if (coordinator == nullptr) {
      response->groups[i].error_code = code(why_no_coordinator(hub, groups[i]));
      continue;
    }
    Request one;
    (one.*ids).push_back(groups[i]);
    one.include_authorized_operations = body.include_authorized_operations;
    sink->expect();
    hub.ask_group(coordinator, sink, i, ask_for(request, std::move(one)));
  }
  sink->asked_all();
  return {};
}

} // namespace

result<void> handle_describe_groups(gateway_core& hub, kafka_request& request) {
  using request_type = kafka::describe_groups_request;
  return describe<request_type, kafka::describe_groups_response>(
    hub, request, &request_type::groups);
}

result<void> handle_consumer_group_describe(
  gateway_core& hub, kafka_request& request) {
  using request_type = kafka::consumer_group_describe_request;
  return describe<request_type, kafka::consumer_group_describe_response>(
    hub, request, &request_type::group_ids);
}

result<void> handle_share_group_describe(
  gateway_core& hub, kafka_request& request) {
  using request_type = kafka::share_group_describe_request;
  return describe<request_type, kafka::share_group_describe_response>(
    hub, request, &request_type::group_ids);
}

result<void> handle_describe_share_group_offsets(
  gateway_core& hub, kafka_request& request) {
  using request_type = kafka::describe_share_group_offsets_request;
  using response_type = kafka::describe_share_group_offsets_response;
  request_type body;
  MILLRACE_TRY(read_body(request, body));
  auto response = std::make_shared<response_type>();
  response->groups.resize(body.groups.size());
  for (size_t i = 0; i < body.groups.size(); ++i)
    response->groups[i].group_id = body.groups[i].group_id;
  auto sink = std::make_shared<group_sink>(
    [response](uint32_t i, group_answer* answer) {
      if (answer == nullptr)
        response->groups[i].error_code = code(kafka_error::not_coordinator);
      else
        response->groups[i]
          = std::move(std::get<response_type>(answer->reply).groups.front());
    },
    [&hub, slot = request.slot, response] {
      reply(hub, slot, *response);
    });
  for (uint32_t i = 0; i < body.groups.size(); ++i) {
    const auto id = body.groups[i].group_id;
    const auto& coordinator = hub.coordinator(id);
    if (coordinator == nullptr) {
      response->groups[i].error_code = code(why_no_coordinator(hub, id));
      continue;
    }
    request_type one;
    one.groups.push_back(std::move(body.groups[i]));
    sink->expect();
    hub.ask_group(coordinator, sink, i, ask_for(request, std::move(one)));
  }
  sink->asked_all();
  return {};
}

result<void> handle_delete_groups(gateway_core& hub, kafka_request& request) {
  kafka::delete_groups_request body;
  MILLRACE_TRY(read_body(request, body));
  // Who is named twice is deleted once, and told so once.
  std::set<std::string> seen;
  std::erase_if(body.groups_names, [&](const auto& id) {
    return !seen.insert(id).second;
  });
  auto response = std::make_shared<kafka::delete_groups_response>();
  response->results.resize(body.groups_names.size());
  for (size_t i = 0; i < body.groups_names.size(); ++i)
    response->results[i].group_id = body.groups_names[i];
  auto sink = std::make_shared<group_sink>(
    [response](uint32_t i, group_answer* answer) {
      if (answer == nullptr)
        response->results[i].error_code = code(kafka_error::not_coordinator);
      else
        response->results[i]
          = std::move(std::get<kafka::delete_groups_response>(answer->reply)
              .results.front());
    },
    [&hub, slot = request.slot, response] {
      reply(hub, slot, *response);
    });
  for (uint32_t i = 0; i < body.groups_names.size(); ++i) {
    const auto& coordinator = hub.coordinator(body.groups_names[i]);
    if (coordinator == nullptr) {
      response->results[i].error_code
        = code(why_no_coordinator(hub, body.groups_names[i]));
      continue;
    }
    kafka::delete_groups_request one;
    one.groups_names.push_back(body.groups_names[i]);
    sink->expect();
    hub.ask_group(coordinator, sink, i, ask_for(request, std::move(one)));
  }
  sink->asked_all();
  return {};
}

result<void> handle_list_groups(gateway_core& hub, kafka_request& request) {
  kafka::list_groups_request body;
  MILLRACE_TRY(read_body(request, body));
  auto response = std::make_shared<kafka::list_groups_response>();
  auto sink = std::make_shared<group_sink>(
    [response](uint32_t, group_answer* answer) {
      if (answer == nullptr) {
        response->error_code = code(kafka_error::coordinator_load_in_progress);
        return;
      }
      auto& got = std::get<kafka::list_groups_response>(answer->reply);
      if (got.error_code != 0)
        response->error_code = got.error_code;
      for (auto& group : got.groups)
        response->groups.push_back(std::move(group));
    },
    [&hub, slot = request.slot, response] {
      reply(hub, slot, *response);
    });
  uint32_t part = 0;
  for (const auto& coordinator : hub.coordinators()) {
    if (coordinator == nullptr)
      continue;
    sink->expect();
    hub.ask_group(coordinator, sink, part++, ask_for(request, body));
  }
  sink->asked_all();
  return {};
}

} // namespace millrace
