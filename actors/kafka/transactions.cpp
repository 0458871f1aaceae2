// The APIs of transactional producers, and those that tell what is there
// (KIP-98, KIP-664): sent to the coordinators of their ids.

#include "actors/kafka/sinks.hpp"
#include "cluster/topic_rules.hpp"

#include <re2/re2.h>

namespace millrace {

namespace {

using transaction_sink = gather_sink<transaction_result>;

/// One question to the coordinator of one id; `refused` makes the answer where
/// there is none.
template <class Response>
void ask_coordinator(gateway_core& hub, const kafka_request& request,
  const std::string& id, transaction_question question,
  const std::function<Response(kafka_error)>& refused) {
  const auto slot = request.slot;
  const auto& coordinator = hub.transaction_coordinator(id);
  if (coordinator == nullptr) {
    reply(hub, slot, refused(why_no_transaction_coordinator(hub, id)));
    return;
  }
  auto sink = std::make_shared<transaction_sink>(
    [&hub, slot, refused](uint32_t, transaction_result* result) {
      if (result == nullptr)
        reply(hub, slot, refused(kafka_error::not_coordinator));
      else
        reply(hub, slot, std::get<Response>(result->reply));
    },
    [] {});
  sink->expect();
  const auto* offsets = hub.image().find_topic(offsets_topic_name);
  hub.ask_transactions(coordinator, sink, 0,
    {.version = slot.version,
      .offsets_partitions
      = offsets == nullptr ? 0
                           : static_cast<int32_t>(offsets->partitions.size()),
      .question = std::move(question)});
}

template <class Response>
Response with_code(kafka_error error) {
  Response response;
  response.error_code = code(error);
  return response;
}

kafka::init_producer_id_response no_producer(kafka_error error) {
  auto response = with_code<kafka::init_producer_id_response>(error);
  response.producer_epoch = -1;
  return response;
}

/// A producer without transactions needs no coordinator: any node gives it an
/// id out of its own block (R14).
void give_producer_id(gateway_core& hub, const reply_slot& slot,
  const kafka::init_producer_id_request& body) {
  auto sink = std::make_shared<gather_sink<admin_answer>>(
    [&hub, slot](uint32_t, admin_answer* answer) {
      const auto* response
        = answer == nullptr
            ? nullptr
            : std::get_if<kafka::init_producer_id_response>(&answer->reply);
      // The one code that every producer takes for a matter of time.
      reply(hub, slot,
        response != nullptr
          ? *response
          : no_producer(kafka_error::coordinator_load_in_progress));
    },
    [] {});
  sink->expect();
  hub.ask_admin(sink, 0, slot.version, body);
}

using add_request = kafka::add_partitions_to_txn_request;
using add_response = kafka::add_partitions_to_txn_response;

std::vector<add_response::topic_result> results_of(
  const std::vector<add_request::topic>& topics,
  const std::function<kafka_error(const topic_partition&)>& error_of) {
  std::vector<add_response::topic_result> results;
  for (const auto& topic : topics) {
    auto& out = results.emplace_back();
    out.name = topic.name;
    for (const auto partition : topic.partitions)
      out.results_by_partition.push_back(
        {partition, code(error_of({topic.name, partition}))});
  }
  return results;
}

bool exists(const gateway_core& hub, const topic_partition& name) {
  const auto* topic = hub.image().find_topic(name.topic);
  return topic != nullptr && name.partition >= 0
         && static_cast<size_t>(name.partition) < topic->partitions.size();
}

enum class asked_by : uint8_t { client, server };

/// If one partition cannot take part none is added: what is wrong with the
/// others is that they were not tried. The server's own topics only servers
/// add.
std::optional<std::vector<add_response::topic_result>> refuse_unknown(
  const gateway_core& hub, const std::vector<add_request::topic>& topics,
  asked_by who) {
  bool all_there = true;
  const auto error_of = [&](const topic_partition& name) {
    const bool forbidden
      = who == asked_by::client && is_internal_topic(name.topic);
    if (!forbidden && exists(hub, name))
      return kafka_error::operation_not_attempted;
    all_there = false;
    return forbidden ? kafka_error::topic_authorization_failed
                     : kafka_error::unknown_topic_or_partition;
  };
  auto results = results_of(topics, error_of);
  return all_there ? std::nullopt : std::optional{std::move(results)};
}

void answer_add_v3(
  gateway_core& hub, const kafka_request& request, const add_request& body) {
  if (auto refused
      = refuse_unknown(hub, body.v3_and_below_topics, asked_by::client)) {
    add_response response;
    response.results_by_topic_v3_and_below = std::move(*refused);
    reply(hub, request.slot, response);
    return;
  }
  ask_coordinator<add_response>(hub, request,
    body.v3_and_below_transactional_id, body,
    [topics = body.v3_and_below_topics](kafka_error error) {
      add_response response;
      response.results_by_topic_v3_and_below
        = results_of(topics, [error](const topic_partition&) {
            return error;
          });
      return response;
    });
}

/// From version 4 on it is what servers ask for many producers at once; each
/// transaction goes to its own coordinator.
void answer_add_batched(
  gateway_core& hub, const kafka_request& request, const add_request& body) {
  const auto slot = request.slot;
  auto response = std::make_shared<add_response>();
  response->results_by_transaction.resize(body.transactions.size());
  const auto fail = [response, transactions = body.transactions](
                      uint32_t i, kafka_error error) {
    auto& out = response->results_by_transaction[i];
    out.transactional_id = transactions[i].transactional_id;
    out.topic_results
      = results_of(transactions[i].topics, [error](const topic_partition&) {
          return error;
        });
  };
  auto sink = std::make_shared<transaction_sink>(
    [response, fail](uint32_t i, transaction_result* result) {
      if (result == nullptr)
        fail(i, kafka_error::not_coordinator);
      else
        response->results_by_transaction[i]
          = std::get<add_response>(result->reply)
              .results_by_transaction.front();
    },
    [&hub, slot, response] {
      reply(hub, slot, *response);
    });
  for (uint32_t i = 0; i < body.transactions.size(); ++i) {
    const auto& id = body.transactions[i].transactional_id;
    if (auto refused
        = refuse_unknown(hub, body.transactions[i].topics, asked_by::server)) {
      auto& out = response->results_by_transaction[i];
      out.transactional_id = id;
      out.topic_results = std::move(*refused);
      continue;
    }
    const auto& coordinator = hub.transaction_coordinator(id);
    if (coordinator == nullptr) {
      fail(i, why_no_transaction_coordinator(hub, id));
      continue;
    }
    add_request one;
    one.transactions.push_back(body.transactions[i]);
    sink->expect();
    hub.ask_transactions(coordinator, sink, i,
      {.version = slot.version, .question = std::move(one)});
  }
  sink->asked_all();
}

/// Answers each id that is not coordinated here.
void refuse_described(kafka::describe_transactions_response& response,
  const std::string& id, kafka_error error) {
  auto& out = response.transaction_states.emplace_back();
  out.transactional_id = id;
  out.error_code = code(error);
}

} // namespace

result<void> handle_init_producer_id(
  gateway_core& hub, kafka_request& request) {
  kafka::init_producer_id_request body;
  MILLRACE_TRY(read_body(request, body));
  if (!body.transactional_id) {
    give_producer_id(hub, request.slot, body);
    return {};
  }
  ask_coordinator<kafka::init_producer_id_response>(
    hub, request, *body.transactional_id, body, no_producer);
  return {};
}

result<void> handle_add_partitions_to_txn(
  gateway_core& hub, kafka_request& request) {
  add_request body;
  MILLRACE_TRY(read_body(request, body));
  constexpr int16_t batched_from = 4;
  if (request.header.api_version < batched_from)
    answer_add_v3(hub, request, body);
  else
    answer_add_batched(hub, request, body);
  return {};
}

result<void> handle_add_offsets_to_txn(
  gateway_core& hub, kafka_request& request) {
  kafka::add_offsets_to_txn_request body;
  MILLRACE_TRY(read_body(request, body));
  using response = kafka::add_offsets_to_txn_response;
  // The partition that is added is one of that topic.
  if (hub.groups_partition(body.group_id) == nullptr) {
    reply(hub, request.slot,
      with_code<response>(kafka_error::coordinator_not_available));
    return {};
  }
  ask_coordinator<response>(
    hub, request, body.transactional_id, body, with_code<response>);
  return {};
}

result<void> handle_end_txn(gateway_core& hub, kafka_request& request) {
  kafka::end_txn_request body;
  MILLRACE_TRY(read_body(request, body));
  using response = kafka::end_txn_response;
  ask_coordinator<response>(
    hub, request, body.transactional_id, body, with_code<response>);
  return {};
}

result<void> handle_describe_transactions(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_transactions_request body;
  MILLRACE_TRY(read_body(request, body));
  using describe_response = kafka::describe_transactions_response;
  auto response = std::make_shared<describe_response>();
  auto sink = std::make_shared<transaction_sink>(
    [response, ids = body.transactional_ids](
      uint32_t i, transaction_result* result) {
      if (result == nullptr)
        refuse_described(*response, ids[i], kafka_error::not_coordinator);
      else
        response->transaction_states.push_back(
          std::get<describe_response>(result->reply)
            .transaction_states.front());
    },
    [&hub, slot = request.slot, response] {
      reply(hub, slot, *response);
    });
  for (uint32_t i = 0; i < body.transactional_ids.size(); ++i) {
    const auto& id = body.transactional_ids[i];
    const auto& coordinator = hub.transaction_coordinator(id);
    if (coordinator == nullptr) {
      refuse_described(*response, id,
        id.empty() ? kafka_error::invalid_request
                   : why_no_transaction_coordinator(hub, id));
      continue;
    }
    kafka::describe_transactions_request one;
    one.transactional_ids.push_back(id);
    sink->expect();
    hub.ask_transactions(coordinator, sink, i,
      {.version = request.slot.version, .question = std::move(one)});
  }
  sink->asked_all();
  return {};
}

result<void> handle_list_transactions(
  gateway_core& hub, kafka_request& request) {
  kafka::list_transactions_request body;
  MILLRACE_TRY(read_body(request, body));
  using list_response = kafka::list_transactions_response;
  auto response = std::make_shared<list_response>();
  std::shared_ptr<re2::RE2> pattern;
  if (body.transactional_id_pattern
      && !body.transactional_id_pattern->empty()) {
    pattern = std::make_shared<re2::RE2>(
      *body.transactional_id_pattern, re2::RE2::Quiet); // R30
    if (!pattern->ok()) {
      reply(hub, request.slot,
        with_code<list_response>(kafka_error::invalid_regular_expression));
      return {};
    }
  }
  auto sink = std::make_shared<transaction_sink>(
    [response, pattern](uint32_t, transaction_result* result) {
      if (result == nullptr) {
        response->error_code = code(kafka_error::coordinator_load_in_progress);
        return;
      }
      auto& got = std::get<list_response>(result->reply);
      response->unknown_state_filters = std::move(got.unknown_state_filters);
      for (auto& state : got.transaction_states)
        if (pattern == nullptr
            || re2::RE2::FullMatch(state.transactional_id, *pattern))
          response->transaction_states.push_back(std::move(state));
    },
    [&hub, slot = request.slot, response] {
      reply(hub, slot, *response);
    });
  uint32_t part = 0;
  for (const auto& coordinator : hub.transaction_coordinators()) {
    if (coordinator == nullptr)
      continue;
    sink->expect();
    hub.ask_transactions(coordinator, sink, part++,
      {.version = request.slot.version, .question = body});
  }
  sink->asked_all();
  return {};
}

} // namespace millrace
