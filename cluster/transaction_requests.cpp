// The part of transaction_registry that answers producers.

#include "cluster/group_answers.hpp"
#include "cluster/group_partition.hpp"
#include "cluster/transaction_errors.hpp"
#include "cluster/transaction_registry.hpp"
#include "schema/assert.hpp"

#include <map>
#include <utility>

namespace millrace {

namespace {

// From these versions on a request comes from a client, or for a client, of
// transaction version 2 (KIP-890).
constexpr int16_t end_bumps_from = 5;
constexpr int16_t add_is_implicit_from = 5;
constexpr int16_t add_is_batched_from = 4;

constexpr const char* offsets_topic = "__consumer_offsets";

transaction_init init_of(const kafka::init_producer_id_request& request,
  std::optional<producer_id> new_id = {}) {
  return {request.transaction_timeout_ms, {request.producer_id},
    request.producer_epoch, new_id};
}

transaction_end end_of(int16_t version, const kafka::end_txn_request& request,
  std::optional<producer_id> new_id = {}) {
  const int16_t client
    = version >= end_bumps_from ? transaction_version_epoch_bump : int16_t{0};
  return {{request.producer_id}, request.producer_epoch, request.committed,
    client, new_id};
}

kafka_error check_init(const kafka::init_producer_id_request& request,
  const transaction_config& config) {
  if (request.transactional_id->empty()
      || (request.producer_id == -1) != (request.producer_epoch == -1))
    return kafka_error::invalid_request;
  if (request.transaction_timeout_ms <= 0
      || request.transaction_timeout_ms > config.timeout_ms_max)
    return kafka_error::invalid_transaction_timeout;
  return kafka_error::none;
}

using add_topics = std::vector<kafka::add_partitions_to_txn_request::topic>;
using add_topic_results
  = std::vector<kafka::add_partitions_to_txn_response::topic_result>;

std::set<topic_partition> partitions_of(const add_topics& topics) {
  std::set<topic_partition> out;
  for (const auto& topic : topics)
    for (const auto partition : topic.partitions)
      out.insert({topic.name, partition});
  return out;
}

transaction_add add_of(const kafka::add_partitions_to_txn_request& request) {
  return {{request.v3_and_below_producer_id},
    request.v3_and_below_producer_epoch,
    partitions_of(request.v3_and_below_topics), 0};
}

transaction_add add_of(int16_t version,
  const kafka::add_partitions_to_txn_request::transaction& asked) {
  const int16_t client = version >= add_is_implicit_from
                           ? transaction_version_epoch_bump
                           : int16_t{0};
  return {{asked.producer_id}, asked.producer_epoch,
    partitions_of(asked.topics), client};
}

/// A record is on its way, or markers are: soon it will be otherwise.
bool is_between(const transaction_state& state) {
  return state.pending() || state.markers().has_value();
}

/// A result for each partition that was asked for.
template <class ErrorOf>
add_topic_results results_of(const add_topics& topics, ErrorOf error_of) {
  add_topic_results out;
  for (const auto& topic : topics) {
    auto& result = out.emplace_back();
    result.name = topic.name;
    for (const auto partition : topic.partitions)
      result.results_by_partition.push_back(
        {partition, code_of(error_of(topic_partition{topic.name, partition}))});
  }
  return out;
}

void override_all(add_topic_results& results, kafka_error error) {
  for (auto& topic : results)
    for (auto& partition : topic.results_by_partition)
      partition.partition_error_code = code_of(error);
}

} // namespace

bool transaction_registry::wants_new_id(
  const kafka::init_producer_id_request& request) const {
  if (check_init(request, config_) != kafka_error::none)
    return false;
  const auto* state = find(*request.transactional_id);
  return state == nullptr || state->wants_new_id(init_of(request));
}

bool transaction_registry::wants_new_id(
  int16_t version, const kafka::end_txn_request& request) const {
  const auto* state = find(request.transactional_id);
  return state != nullptr && state->wants_new_id(end_of(version, request));
}

template <class Request>
const std::string* transaction_registry::awaited(
  const std::string& id, const Request& request, int64_t wall_ms) const {
  const auto* state = find(id);
  const bool waits = state != nullptr && is_between(*state)
                     && state->decide(request, wall_ms).reply.error
                          == kafka_error::concurrent_transactions;
  return waits ? &state->id() : nullptr;
}

const std::string* transaction_registry::awaited(const transaction_context& who,
  const kafka::init_producer_id_request& request) const {
  if (check_init(request, config_) != kafka_error::none)
    return nullptr;
  return awaited(*request.transactional_id, init_of(request), who.wall_ms);
}

const std::string* transaction_registry::awaited(const transaction_context& who,
  const kafka::add_partitions_to_txn_request& request) const {
  if (who.version < add_is_batched_from)
    return awaited(
      request.v3_and_below_transactional_id, add_of(request), who.wall_ms);
  for (const auto& asked : request.transactions)
    if (const auto* id = awaited(
          asked.transactional_id, add_of(who.version, asked), who.wall_ms))
      return id;
  return nullptr;
}

const std::string* transaction_registry::awaited(const transaction_context& who,
  const kafka::add_offsets_to_txn_request& request) const {
  return awaited(request.transactional_id,
    transaction_add{{request.producer_id}, request.producer_epoch, {}, 0},
    who.wall_ms);
}

const std::string* transaction_registry::awaited(
  const transaction_context& who, const kafka::end_txn_request& request) const {
  return awaited(
    request.transactional_id, end_of(who.version, request), who.wall_ms);
}

transaction_effects transaction_registry::handle(const transaction_context& who,
  const kafka::init_producer_id_request& request,
  std::optional<producer_id> new_id) {
  MILLRACE_ASSERT(loaded_, "requests come once the log has been read");
  MILLRACE_ASSERT(
    request.transactional_id, "an idempotent producer needs no coordinator");
  auto t = begin_turn(who.now_ms, who.wall_ms);
  transaction_reply said{check_init(request, config_)};
  if (said.error == kafka_error::none) {
    const auto* state = find(*request.transactional_id);
    const auto decided
      = (state != nullptr ? *state
                          : transaction_state{*request.transactional_id})
          .decide(init_of(request, new_id), who.wall_ms);
    said = decided.reply;
    append(t, decided);
  }
  reply(t, who.token, [said, version = who.version](kafka_error appended) {
    kafka::init_producer_id_response answer;
    const auto error
      = appended == kafka_error::none || said.error != kafka_error::none
          ? said.error
          : appended;
    answer.error_code = code_of(
      transaction_error(transaction_api::init_producer_id, version, error));
    answer.producer_epoch = -1;
    if (error == kafka_error::none) {
      answer.producer_id = said.id.value;
      answer.producer_epoch = said.epoch;
    }
    return answer;
  });
  return end_turn(t);
}

transaction_decision transaction_registry::add(
  turn& t, const std::string& id, const transaction_add& request) {
  if (id.empty())
    return {{kafka_error::invalid_request}, {}};
  const auto* state = find(id);
  if (state == nullptr)
    return {{kafka_error::invalid_producer_id_mapping}, {}};
  auto decided = state->decide(request, t.wall_ms);
  append(t, decided);
  return decided;
}

transaction_effects transaction_registry::handle(const transaction_context& who,
  const kafka::add_partitions_to_txn_request& request) {
  MILLRACE_ASSERT(loaded_, "requests come once the log has been read");
  auto t = begin_turn(who.now_ms, who.wall_ms);
  const auto told = [&](kafka_error error) {
    return transaction_error(
      transaction_api::add_partitions, who.version, error);
  };
  kafka::add_partitions_to_txn_response answer;
  if (who.version < add_is_batched_from) {
    const auto decided
      = add(t, request.v3_and_below_transactional_id, add_of(request));
    answer.results_by_topic_v3_and_below
      = results_of(request.v3_and_below_topics, [&](const topic_partition&) {
          return told(decided.reply.error);
        });
    reply(t, who.token, [answer](kafka_error appended) mutable {
      if (appended != kafka_error::none)
        override_all(answer.results_by_topic_v3_and_below, appended);
      return answer;
    });
    return end_turn(t);
  }
  std::vector<bool> writes; // which of the results wait for the append
  for (const auto& asked : request.transactions) {
    auto& result = answer.results_by_transaction.emplace_back();
    result.transactional_id = asked.transactional_id;
    const producer_id id{asked.producer_id};
    if (asked.verify_only) {
      const auto* state = find(asked.transactional_id);
      result.topic_results
        = results_of(asked.topics, [&](const topic_partition& partition) {
            if (asked.transactional_id.empty())
              return kafka_error::invalid_request;
            return told(state == nullptr
                          ? kafka_error::invalid_producer_id_mapping
                          : state->verify(id, asked.producer_epoch, partition));
          });
      writes.push_back(false);
      continue;
    }
    const auto decided
      = add(t, asked.transactional_id, add_of(who.version, asked));
    result.topic_results
      = results_of(asked.topics, [&](const topic_partition&) {
          return told(decided.reply.error);
        });
    writes.push_back(!decided.records.empty());
  }
  reply(t, who.token, [answer, writes](kafka_error appended) mutable {
    for (size_t i = 0; i < writes.size(); ++i)
      if (appended != kafka_error::none && writes[i])
        override_all(answer.results_by_transaction[i].topic_results, appended);
    return answer;
  });
  return end_turn(t);
}

transaction_effects transaction_registry::handle(const transaction_context& who,
  const kafka::add_offsets_to_txn_request& request,
  int32_t offsets_partitions) {
  MILLRACE_ASSERT(loaded_, "requests come once the log has been read");
  auto t = begin_turn(who.now_ms, who.wall_ms);
  const topic_partition offsets{
    offsets_topic, group_partition(request.group_id, offsets_partitions)};
  const auto decided = add(t, request.transactional_id,
    {{request.producer_id}, request.producer_epoch, {offsets}, 0});
  const auto error = transaction_error(
    transaction_api::add_offsets, who.version, decided.reply.error);
  reply(t, who.token, [error](kafka_error appended) {
    kafka::add_offsets_to_txn_response answer;
    answer.error_code
      = code_of(appended != kafka_error::none ? appended : error);
    return answer;
  });
  return end_turn(t);
}

transaction_effects transaction_registry::handle(const transaction_context& who,
  const kafka::end_txn_request& request, std::optional<producer_id> new_id) {
  MILLRACE_ASSERT(loaded_, "requests come once the log has been read");
  auto t = begin_turn(who.now_ms, who.wall_ms);
  transaction_reply said;
  const auto* state = find(request.transactional_id);
  if (request.transactional_id.empty()) {
    said.error = kafka_error::invalid_request;
  } else if (state == nullptr) {
    said.error = kafka_error::invalid_producer_id_mapping;
  } else {
    const auto decided
      = state->decide(end_of(who.version, request, new_id), who.wall_ms);
    said = decided.reply;
    append(t, decided);
  }
  reply(t, who.token, [said, version = who.version](kafka_error appended) {
    kafka::end_txn_response answer;
    const auto error = appended != kafka_error::none ? appended : said.error;
    answer.error_code
      = code_of(transaction_error(transaction_api::end, version, error));
    if (error == kafka_error::none) {
      answer.producer_id = said.id.value;
      answer.producer_epoch = said.epoch;
    }
    return answer;
  });
  return end_turn(t);
}

} // namespace millrace
