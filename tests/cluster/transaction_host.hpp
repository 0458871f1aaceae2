#pragma once

// A transaction coordinator with hands and feet for tests: a clock that moves
// from deadline to deadline, a log that takes every append (or waits to be
// told), partitions that take every marker (or wait), a source of producer
// ids, and a book of the answers in which no token appears twice.

#include "cluster/transaction_registry.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace millrace::test {

/// A client: what it was told last.
struct txn_producer {
  int64_t id = -1;
  int16_t epoch = -1;
};

class transaction_host {
public:
  static constexpr int64_t start_ms = 1'000;
  static constexpr int64_t wall_start_ms = 1'700'000'000'000;
  static constexpr int32_t timeout_ms = 60'000;

  /// @param log what was written before a restart
  explicit transaction_host(transaction_config config = {},
    const std::vector<transaction_log_entry>& log = {})
      : config(config), log(log) {
    restart();
  }

  transaction_config config;
  std::unique_ptr<transaction_registry> registry;
  int64_t now_ms = start_ms;
  int64_t wall_gain_ms = 0;
  int32_t coordinator_epoch = 0;
  /// Whether appends are durable, and markers written, at once.
  bool appends_at_once = true;
  bool markers_at_once = true;
  std::vector<transaction_log_entry> log;
  std::deque<transaction_effects> appends;  // that wait to be told
  std::vector<transaction_markers> markers; // that wait to be written
  std::vector<transaction_markers> written;
  std::map<uint64_t, transaction_answer> answers;
  std::vector<std::string> moved;  // ids, by each step of theirs
  std::set<uint64_t> better_later; // tokens of requests that could have waited
  uint64_t tokens = 0;
  int64_t next_id = 1'000;
  size_t ids_used = 0;

  [[nodiscard]] int64_t wall_ms() const {
    return wall_start_ms + now_ms - start_ms + wall_gain_ms;
  }

  /// Another coordinator takes over: all it has is the log.
  void restart() {
    appends.clear();
    markers.clear();
    registry = std::make_unique<transaction_registry>(config);
    for (const auto& [key, value] : log)
      REQUIRE(registry
          ->replay(
            key, value ? std::optional<std::string_view>{*value} : std::nullopt)
          .ok());
    take(registry->finish_load(++coordinator_epoch, now_ms, wall_ms()));
  }

  void take(transaction_effects effects) {
    for (auto& [token, answer] : effects.replies) {
      INFO("token " << token);
      REQUIRE(token <= tokens);
      REQUIRE(answers.emplace(token, std::move(answer)).second);
    }
    effects.replies.clear();
    moved.insert(moved.end(), effects.moved.begin(), effects.moved.end());
    auto given = std::exchange(effects.markers, {});
    if (!effects.records.empty()) {
      appends.push_back(std::move(effects));
      if (appends_at_once)
        end_append(kafka_error::none);
    }
    for (auto& one : given) {
      markers.push_back(std::move(one));
      if (markers_at_once)
        write_markers(markers.size() - 1);
    }
  }

  /// Ends the oldest append that waits.
  void end_append(kafka_error error) {
    REQUIRE_FALSE(appends.empty());
    const auto effects = std::move(appends.front());
    appends.pop_front();
    if (error == kafka_error::none)
      log.insert(log.end(), effects.records.begin(), effects.records.end());
    take(registry->on_appended(effects.append_id, error, now_ms, wall_ms()));
  }

  /// Writes the markers at `index` of those that wait.
  void write_markers(size_t index) {
    const auto one = markers.at(index);
    markers.erase(markers.begin() + static_cast<ptrdiff_t>(index));
    written.push_back(one);
    tell_written(one);
  }
  /// Tells, perhaps not for the first time, that markers are there.
  void tell_written(const transaction_markers& one) {
    const std::vector<topic_partition> all(
      one.partitions.begin(), one.partitions.end());
    take(registry->on_markers_written(
      one.transactional_id, one.id, one.epoch, all, now_ms, wall_ms()));
  }

  /// Lets time pass, stopping at every deadline on the way.
  void advance(int64_t by_ms) {
    const auto end_ms = now_ms + by_ms;
    for (int steps = 0;; ++steps) {
      REQUIRE(steps < 100'000);
      const auto next_ms = registry->next_deadline();
      if (!next_ms || *next_ms > end_ms)
        break;
      now_ms = std::max(now_ms, *next_ms);
      take(registry->on_timer(now_ms, wall_ms()));
    }
    now_ms = end_ms;
  }

  transaction_context who(int16_t version) {
    return {++tokens, version, now_ms, wall_ms()};
  }
  /// Notes whether the request could wait, and where it could: that it is told
  /// to come again if it does not.
  template <class Request, class Handle>
  uint64_t ask(
    const transaction_context& context, const Request& request, Handle handle) {
    const bool waits = registry->awaited(context, request) != nullptr;
    take(handle());
    if (waits) {
      better_later.insert(context.token);
      REQUIRE(answered(context.token));
    }
    return context.token;
  }
  [[nodiscard]] bool answered(uint64_t token) const {
    return answers.contains(token);
  }
  template <class Response>
  [[nodiscard]] const Response& answer(uint64_t token) const {
    INFO("token " << token);
    REQUIRE(answers.contains(token));
    const auto* response = std::get_if<Response>(&answers.at(token));
    REQUIRE(response);
    return *response;
  }
  template <class Response>
  [[nodiscard]] kafka_error error(uint64_t token) const {
    return static_cast<kafka_error>(answer<Response>(token).error_code);
  }
  std::optional<producer_id> id_if(bool wanted) {
    if (!wanted)
      return {};
    ++ids_used;
    return producer_id{next_id++};
  }

  uint64_t send_init(const std::string& name, txn_producer current = {},
    int16_t version = 5, int32_t timeout = timeout_ms) {
    kafka::init_producer_id_request request;
    request.transactional_id = name;
    request.transaction_timeout_ms = timeout;
    request.producer_id = current.id;
    request.producer_epoch = current.epoch;
    const auto context = who(version);
    return ask(context, request, [&] {
      return registry->handle(
        context, request, id_if(registry->wants_new_id(request)));
    });
  }
  kafka_error init_error(uint64_t token) const {
    return error<kafka::init_producer_id_response>(token);
  }
  txn_producer producer_of(uint64_t token) const {
    const auto& told = answer<kafka::init_producer_id_response>(token);
    REQUIRE(init_error(token) == kafka_error::none);
    return {told.producer_id, told.producer_epoch};
  }
  /// A producer that is let in, after the transaction of another if need be.
  txn_producer init(const std::string& name, txn_producer current = {}) {
    auto token = send_init(name, current);
    if (init_error(token) == kafka_error::concurrent_transactions)
      token = send_init(name, current);
    return producer_of(token);
  }

  uint64_t send_add(const std::string& name, txn_producer p,
    std::set<topic_partition> partitions = {{"t", 0}}, int16_t version = 5,
    bool verify_only = false) {
    kafka::add_partitions_to_txn_request request;
    std::vector<kafka::add_partitions_to_txn_request::topic> topics;
    for (const auto& [topic, partition] : partitions)
      topics.push_back({topic, {partition}});
    if (version < 4) {
      request.v3_and_below_transactional_id = name;
      request.v3_and_below_producer_id = p.id;
      request.v3_and_below_producer_epoch = p.epoch;
      request.v3_and_below_topics = topics;
    } else {
      request.transactions.push_back(
        {name, p.id, p.epoch, verify_only, topics});
    }
    const auto context = who(version);
    return ask(context, request, [&] {
      return registry->handle(context, request);
    });
  }
  /// The error of the first partition of the first transaction.
  kafka_error add_error(uint64_t token) const {
    const auto& told = answer<kafka::add_partitions_to_txn_response>(token);
    const auto& topics = told.results_by_transaction.empty()
                           ? told.results_by_topic_v3_and_below
                           : told.results_by_transaction[0].topic_results;
    return static_cast<kafka_error>(
      topics.at(0).results_by_partition.at(0).partition_error_code);
  }
  kafka_error add(const std::string& name, txn_producer p,
    std::set<topic_partition> partitions = {{"t", 0}}, int16_t version = 5) {
    return add_error(send_add(name, p, std::move(partitions), version));
  }
  kafka_error verify(const std::string& name, txn_producer p,
    const topic_partition& partition, int16_t version = 5) {
    return add_error(send_add(name, p, {partition}, version, true));
  }

  uint64_t send_add_offsets(const std::string& name, txn_producer p,
    const std::string& group, int16_t version = 4) {
    kafka::add_offsets_to_txn_request request;
    request.transactional_id = name;
    request.producer_id = p.id;
    request.producer_epoch = p.epoch;
    request.group_id = group;
    const auto context = who(version);
    return ask(context, request, [&] {
      return registry->handle(context, request, 50);
    });
  }

  uint64_t send_end(const std::string& name, txn_producer p, bool commit = true,
    int16_t version = 5) {
    kafka::end_txn_request request;
    request.transactional_id = name;
    request.producer_id = p.id;
    request.producer_epoch = p.epoch;
    request.committed = commit;
    const auto context = who(version);
    return ask(context, request, [&] {
      return registry->handle(
        context, request, id_if(registry->wants_new_id(version, request)));
    });
  }
  kafka_error end_error(uint64_t token) const {
    return error<kafka::end_txn_response>(token);
  }
  kafka_error end(const std::string& name, txn_producer p, bool commit = true,
    int16_t version = 5) {
    return end_error(send_end(name, p, commit, version));
  }
  /// The producer after its end, which is expected to be taken.
  txn_producer ended(uint64_t token) const {
    REQUIRE(end_error(token) == kafka_error::none);
    const auto& told = answer<kafka::end_txn_response>(token);
    return {told.producer_id, told.producer_epoch};
  }

  const transaction_state* state(const std::string& name) const {
    const auto it = registry->entries().find(name);
    return it == registry->entries().end() ? nullptr : &it->second.state;
  }
  const transaction_value& value(const std::string& name) const {
    REQUIRE(state(name));
    REQUIRE(state(name)->value());
    return *state(name)->value();
  }
  transaction_phase phase(const std::string& name) const {
    return value(name).phase;
  }
};

} // namespace millrace::test
