// The APIs of consumer groups that name one group: sent to its coordinator.

#include "actors/kafka/sinks.hpp"
#include "schema/kafka/txn_offset_commit.hpp"

namespace millrace {

namespace {

/// One question to one coordinator; `refused` makes the answer where there is
/// none.
template <class Response, class Request>
void ask_coordinator(gateway_core& hub, const kafka_request& request,
  const std::string& group, Request body,
  std::function<void(Response&)> complete,
  std::function<Response(kafka_error)> refused) {
  const auto& coordinator = hub.coordinator(group);
  const auto slot = request.slot;
  if (coordinator == nullptr) {
    reply(hub, slot, refused(why_no_coordinator(hub, group)));
    return;
  }
  auto sink = std::make_shared<gather_sink<group_answer>>(
    [&hub, slot, complete, refused](uint32_t, group_answer* answer) {
      if (answer == nullptr) {
        reply(hub, slot, refused(kafka_error::not_coordinator));
        return;
      }
      auto& response = std::get<Response>(answer->reply);
      if (complete)
        complete(response);
      reply(hub, slot, response);
    },
    [] {});
  sink->expect();
  hub.ask_group(coordinator, sink, 0,
    {.version = slot.version,
      .client_id = request.header.client_id.value_or(""),
      .client_host = "/" + request.remote->host,
      .question = std::move(body)});
}

/// For responses with one error code at the top.
template <class Response>
Response with_code(kafka_error error) {
  Response response;
  response.error_code = code(error);
  return response;
}

/// Producers of before 2.0 may end at a coordinator that is being loaded; from
/// version 2 on they cannot be so old.
kafka_error for_version(int16_t version, kafka_error error) {
  return version < 2 && error == kafka_error::coordinator_load_in_progress
           ? kafka_error::coordinator_not_available
           : error;
}

/// Offsets are kept by name: takes out what does not exist, and gives the
/// answer to that.
template <class Response, class Request>
Response take_unknown(const metadata_image& image, Request& request) {
  Response refused;
  for (auto& topic : request.topics) {
    const auto* found = image.find_topic(topic.name);
    typename decltype(refused.topics)::value_type out;
    out.name = topic.name;
    std::erase_if(topic.partitions, [&](const auto& p) {
      if (found != nullptr && p.partition_index >= 0
          && static_cast<size_t>(p.partition_index) < found->partitions.size())
        return false;
      out.partitions.push_back(
        {p.partition_index, code(kafka_error::unknown_topic_or_partition)});
      return true;
    });
    if (!out.partitions.empty())
      refused.topics.push_back(std::move(out));
  }
  std::erase_if(request.topics, [](const auto& topic) {
    return topic.partitions.empty();
  });
  return refused;
}

/// Each topic once, as Kafka does it.
template <class Response>
Response merge(Response into, Response more) {
  for (auto& topic : more.topics) {
    const auto at = std::ranges::find_if(into.topics, [&](const auto& other) {
      return other.name == topic.name;
    });
    if (at == into.topics.end())
      into.topics.push_back(std::move(topic));
    else
      at->partitions.insert(
        at->partitions.end(), topic.partitions.begin(), topic.partitions.end());
  }
  return into;
}

/// Sends what one group is asked to its coordinator, as it is.
template <class Response, class Request>
void pass_on(gateway_core& hub, const kafka_request& request, Request body) {
  const auto group = body.group_id;
  ask_coordinator<Response>(
    hub, request, group, std::move(body), nullptr, with_code<Response>);
}

/// A request of one group that its coordinator alone looks into.
template <class Request, class Response>
result<void> ask_one(gateway_core& hub, kafka_request& request) {
  Request body;
  MILLRACE_TRY(read_body(request, body));
  pass_on<Response>(hub, request, std::move(body));
  return {};
}

} // namespace

result<void> handle_join_group(gateway_core& hub, kafka_request& request) {
  return ask_one<kafka::join_group_request, kafka::join_group_response>(
    hub, request);
}

result<void> handle_sync_group(gateway_core& hub, kafka_request& request) {
  kafka::sync_group_request body;
  MILLRACE_TRY(read_body(request, body));
  constexpr int16_t names_protocol = 5; // KIP-559
  if (request.header.api_version >= names_protocol
      && (!body.protocol_type || !body.protocol_name)) {
    reply(hub, request.slot,
      with_code<kafka::sync_group_response>(
        kafka_error::inconsistent_group_protocol));
    return {};
  }
  pass_on<kafka::sync_group_response>(hub, request, std::move(body));
  return {};
}

result<void> handle_heartbeat(gateway_core& hub, kafka_request& request) {
  return ask_one<kafka::heartbeat_request, kafka::heartbeat_response>(
    hub, request);
}

result<void> handle_leave_group(gateway_core& hub, kafka_request& request) {
  return ask_one<kafka::leave_group_request, kafka::leave_group_response>(
    hub, request);
}

result<void> handle_consumer_group_heartbeat(
  gateway_core& hub, kafka_request& request) {
  return ask_one<kafka::consumer_group_heartbeat_request,
    kafka::consumer_group_heartbeat_response>(hub, request);
}

result<void> handle_share_group_heartbeat(
  gateway_core& hub, kafka_request& request) {
  return ask_one<kafka::share_group_heartbeat_request,
    kafka::share_group_heartbeat_response>(hub, request);
}

result<void> handle_alter_share_group_offsets(
  gateway_core& hub, kafka_request& request) {
  return ask_one<kafka::alter_share_group_offsets_request,
    kafka::alter_share_group_offsets_response>(hub, request);
}

result<void> handle_delete_share_group_offsets(
  gateway_core& hub, kafka_request& request) {
  return ask_one<kafka::delete_share_group_offsets_request,
    kafka::delete_share_group_offsets_response>(hub, request);
}

result<void> handle_explain_group(gateway_core& hub, kafka_request& request) {
  return ask_one<kafka::explain_group_request, kafka::explain_group_response>(
    hub, request);
}

result<void> handle_offset_delete(gateway_core& hub, kafka_request& request) {
  kafka::offset_delete_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto group = body.group_id;
  const auto unknown
    = take_unknown<kafka::offset_delete_response>(hub.image(), body);
  ask_coordinator<kafka::offset_delete_response>(
    hub, request, group, std::move(body),
    [unknown](kafka::offset_delete_response& response) {
      if (response.error_code == 0)
        response = merge(std::move(response), unknown);
    },
    with_code<kafka::offset_delete_response>);
  return {};
}

result<void> handle_offset_commit(gateway_core& hub, kafka_request& request) {
  kafka::offset_commit_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto version = request.header.api_version;
  const auto group = body.group_id;
  const auto original = body.topics;
  // Offsets are kept by name; what does not exist is refused here.
  kafka::offset_commit_response refused_parts;
  for (auto& topic : body.topics) {
    const auto* image = version >= 10 ? hub.image().find_topic(topic.topic_id)
                                      : hub.image().find_topic(topic.name);
    kafka::offset_commit_response::offset_commit_response_topic out;
    out.topic_id = topic.topic_id;
    out.name = topic.name;
    if (image != nullptr)
      topic.name = image->name;
    std::erase_if(topic.partitions, [&](const auto& p) {
      if (image != nullptr && p.partition_index >= 0
          && static_cast<size_t>(p.partition_index) < image->partitions.size())
        return false;
      out.partitions.push_back(
        {p.partition_index, code(image == nullptr && version >= 10
                                   ? kafka_error::unknown_topic_id
                                   : kafka_error::unknown_topic_or_partition)});
      return true;
    });
    if (!out.partitions.empty())
      refused_parts.topics.push_back(std::move(out));
  }
  std::erase_if(body.topics, [](const auto& topic) {
    return topic.partitions.empty();
  });
  const auto refuse = [original](kafka_error error) {
    kafka::offset_commit_response response;
    for (const auto& topic : original) {
      auto& out = response.topics.emplace_back();
      out.name = topic.name;
      out.topic_id = topic.topic_id;
      for (const auto& p : topic.partitions)
        out.partitions.push_back({p.partition_index, code(error)});
    }
    return response;
  };
  if (body.topics.empty() && !original.empty()) {
    reply(hub, request.slot, refused_parts);
    return {};
  }
  ask_coordinator<kafka::offset_commit_response>(
    hub, request, group, std::move(body),
    [&hub, refused_parts, version](kafka::offset_commit_response& response) {
      if (version >= 10)
        for (auto& topic : response.topics)
          if (const auto* image = hub.image().find_topic(topic.name))
            topic.topic_id = image->id;
      response.topics.insert(response.topics.end(),
        refused_parts.topics.begin(), refused_parts.topics.end());
    },
    refuse);
  return {};
}

result<void> handle_txn_offset_commit(
  gateway_core& hub, kafka_request& request) {
  kafka::txn_offset_commit_request body;
  MILLRACE_TRY(read_body(request, body));
  auto refused_parts
    = take_unknown<kafka::txn_offset_commit_response>(hub.image(), body);
  const auto refuse = [topics = body.topics, refused_parts](kafka_error error) {
    kafka::txn_offset_commit_response response;
    for (const auto& topic : topics) {
      auto& out = response.topics.emplace_back();
      out.name = topic.name;
      for (const auto& p : topic.partitions)
        out.partitions.push_back({p.partition_index, code(error)});
    }
    return merge(refused_parts, std::move(response));
  };
  if (body.topics.empty()) {
    reply(hub, request.slot, refused_parts);
    return {};
  }
  if (body.group_id.empty()) {
    reply(hub, request.slot, refuse(kafka_error::invalid_group_id));
    return {};
  }
  const auto version = request.header.api_version;
  const auto group = body.group_id;
  ask_coordinator<kafka::txn_offset_commit_response>(
    hub, request, group, std::move(body),
    [refused_parts](kafka::txn_offset_commit_response& response) {
      response = merge(refused_parts, std::move(response));
    },
    [refuse, version](kafka_error error) {
      return refuse(for_version(version, error));
    });
  return {};
}

} // namespace millrace
