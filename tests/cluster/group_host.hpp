#pragma once

// A registry with hands and feet for tests: a clock that moves from deadline
// to deadline, a log that takes every append (or waits to be told), and a
// book of the answers in which no token appears twice.

#include "cluster/group_registry.hpp"
#include "schema/kafka/consumer_protocol.hpp"
#include "schema/kafka_wire.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace millrace::test {

/// Ten seconds of session, a minute of rebalance, as the Java client asks.
struct join_options {
  std::string member_id;
  std::optional<std::string> instance_id;
  int16_t version = 9;
  std::vector<std::pair<std::string, std::string>> protocols
    = {{"range", "meta"}};
  std::string protocol_type = "consumer";
  int32_t session_timeout_ms = 10'000;
  int32_t rebalance_timeout_ms = 60'000;
  std::string client_id = "client";
};

/// The metadata of a consumer that subscribes to these topics.
inline std::string subscription(const std::vector<std::string>& topics) {
  kafka_writer writer;
  writer.write_int16(3);
  kafka::consumer_protocol_subscription body;
  body.topics = topics;
  encode(writer, 3, body);
  return writer.finish().bytes;
}

inline std::function<uuid()> counting_uuids(uint64_t first = 1) {
  return [next = first]() mutable {
    return uuid{0, next++};
  };
}

/// What a log holds at one offset: a record, or a marker.
struct logged : offsets_record {
  producer_id producer{-1};
  std::optional<bool> commit; ///< set in a marker
};

/// Reads a log, or its rest, as a coordinator does when it starts.
inline void replay(
  group_registry& registry, const std::vector<logged>& log, size_t from = 0) {
  for (auto i = from; i < log.size(); ++i) {
    const auto& entry = log[i];
    if (entry.commit)
      registry.replay_marker(entry.producer, *entry.commit);
    else
      REQUIRE(registry
          .replay({offset{static_cast<int64_t>(i)}, entry.producer}, entry.key,
            entry.value ? std::optional<std::string_view>{*entry.value}
                        : std::nullopt)
          .ok());
  }
}

class group_host {
public:
  static constexpr int64_t start_ms = 1'000;
  static constexpr int64_t wall_start_ms = 1'700'000'000'000;

  /// @param log what was written before a restart
  explicit group_host(
    group_config config = {}, const std::vector<logged>& log = {})
      : config(config), registry(config, counting_uuids(1 + log.size())),
        log(log) {
    replay(registry, log);
    registry.finish_load(now_ms, wall_ms());
  }

  group_config config;
  group_registry registry;
  int64_t now_ms = start_ms;
  int64_t wall_gain_ms = 0;
  /// Whether appends are durable at once.
  bool appends_at_once = true;
  std::vector<logged> log;
  /// Records, or a marker, that wait to be told.
  struct append : group_effects {
    std::optional<logged> marker;
  };
  std::deque<append> appends;
  std::map<uint64_t, group_reply> answers;
  /// Questions for share coordinators that nobody has answered.
  std::deque<share_state_order> share_orders;
  uint64_t tokens = 0;

  [[nodiscard]] int64_t wall_ms() const {
    return wall_start_ms + now_ms - start_ms + wall_gain_ms;
  }

  group_request_context who(int16_t version, std::string client_id = "client") {
    return {
      ++tokens, version, std::move(client_id), "/127.0.0.1", now_ms, wall_ms()};
  }

  void take(group_effects effects) {
    for (auto& [token, answer] : effects.replies) {
      INFO("token " << token);
      REQUIRE(token <= tokens);
      REQUIRE(answers.emplace(token, std::move(answer)).second);
    }
    effects.replies.clear();
    for (auto& order : effects.share_orders)
      share_orders.push_back(std::move(order));
    effects.share_orders.clear();
    if (effects.records.empty())
      return;
    appends.push_back({std::move(effects), {}});
    if (appends_at_once)
      end_append(kafka_error::none);
  }

  /// Ends the oldest append that waits.
  void end_append(kafka_error error) {
    REQUIRE_FALSE(appends.empty());
    const auto done = std::move(appends.front());
    appends.pop_front();
    const offset base{static_cast<int64_t>(log.size())};
    if (error == kafka_error::none && done.marker)
      log.push_back(*done.marker);
    else if (error == kafka_error::none)
      for (const auto& record : done.records)
        log.push_back({record,
          done.transaction ? done.transaction->id : producer_id{-1}, {}});
    take(registry.on_appended(done.append_id, error, base, now_ms, wall_ms()));
  }

  /// Ends a producer's transaction.
  void mark(int64_t producer, bool commit) {
    append marker;
    marker.append_id = registry.begin_marker({producer}, commit);
    marker.marker = logged{{}, {producer}, commit};
    appends.push_back(std::move(marker));
    if (appends_at_once)
      end_append(kafka_error::none);
  }

  /// Sends a request and returns its token.
  template <class Request>
  uint64_t send(
    int16_t version, const Request& request, std::string client_id = "client") {
    const auto context = who(version, std::move(client_id));
    take(registry.handle(context, request));
    return context.token;
  }

  /// Lets time pass, stopping at every deadline on the way.
  void advance(int64_t by_ms) {
    const auto end_ms = now_ms + by_ms;
    for (int steps = 0;; ++steps) {
      REQUIRE(steps < 100'000);
      const auto next_ms = registry.next_deadline();
      if (!next_ms || *next_ms > end_ms)
        break;
      now_ms = std::max(now_ms, *next_ms);
      take(registry.on_timer(now_ms, wall_ms()));
    }
    now_ms = end_ms;
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
  /// The error code at the top of an answer.
  template <class Response>
  [[nodiscard]] kafka_error error(uint64_t token) const {
    return static_cast<kafka_error>(answer<Response>(token).error_code);
  }

  uint64_t join(const std::string& group, const join_options& options = {}) {
    kafka::join_group_request request;
    request.group_id = group;
    request.session_timeout_ms = options.session_timeout_ms;
    request.rebalance_timeout_ms = options.rebalance_timeout_ms;
    request.member_id = options.member_id;
    request.group_instance_id = options.instance_id;
    request.protocol_type = options.protocol_type;
    for (const auto& [name, metadata] : options.protocols)
      request.protocols.push_back({name, metadata});
    return send(options.version, request, options.client_id);
  }
  const kafka::join_group_response& joined(uint64_t token) const {
    return answer<kafka::join_group_response>(token);
  }
  kafka_error join_error(uint64_t token) const {
    return error<kafka::join_group_response>(token);
  }
  /// Asks for a member id (KIP-394) and joins with it; the answer waits.
  uint64_t join_with_id(
    const std::string& group, join_options options, std::string* id = nullptr) {
    options.member_id = joined(join(group, options)).member_id;
    if (id)
      *id = options.member_id;
    return join(group, options);
  }

  uint64_t sync(const std::string& group, const std::string& member_id,
    int32_t generation,
    const std::vector<std::pair<std::string, std::string>>& assignments = {},
    std::optional<std::string> instance_id = {}) {
    kafka::sync_group_request request;
    request.group_id = group;
    request.member_id = member_id;
    request.generation_id = generation;
    request.group_instance_id = std::move(instance_id);
    for (const auto& [id, assignment] : assignments)
      request.assignments.push_back({id, assignment});
    return send(5, request);
  }
  const kafka::sync_group_response& synced(uint64_t token) const {
    return answer<kafka::sync_group_response>(token);
  }
  kafka_error sync_error(uint64_t token) const {
    return error<kafka::sync_group_response>(token);
  }

  kafka_error heartbeat(const std::string& group, const std::string& member_id,
    int32_t generation, std::optional<std::string> instance_id = {}) {
    kafka::heartbeat_request request;
    request.group_id = group;
    request.member_id = member_id;
    request.generation_id = generation;
    request.group_instance_id = std::move(instance_id);
    return error<kafka::heartbeat_response>(send(4, request));
  }

  uint64_t leave(const std::string& group, const std::string& member_id,
    std::optional<std::string> instance_id = {}) {
    kafka::leave_group_request request;
    request.group_id = group;
    request.members.push_back({member_id, std::move(instance_id), {}});
    return send(5, request);
  }
  /// The error of the first member, or the answer's.
  kafka_error leave_error(uint64_t token) const {
    const auto& response = answer<kafka::leave_group_response>(token);
    return static_cast<kafka_error>(response.members.empty()
                                      ? response.error_code
                                      : response.members[0].error_code);
  }

  uint64_t commit(const std::string& group, const std::string& topic,
    int64_t offset, const std::string& member_id = {}, int32_t generation = -1,
    int32_t partition = 0) {
    kafka::offset_commit_request request;
    request.group_id = group;
    request.member_id = member_id;
    request.generation_id_or_member_epoch = generation;
    auto& t = request.topics.emplace_back();
    t.name = topic;
    t.partitions.push_back({partition, offset, -1, "note"});
    return send(9, request);
  }
  kafka_error commit_error(uint64_t token) const {
    const auto& response = answer<kafka::offset_commit_response>(token);
    return static_cast<kafka_error>(
      response.topics.at(0).partitions.at(0).error_code);
  }

  uint64_t commit_in(int64_t producer, const std::string& group,
    const std::string& topic, int64_t offset, const std::string& member_id = {},
    int32_t generation = -1, int32_t partition = 0) {
    kafka::txn_offset_commit_request request;
    request.transactional_id = "x";
    request.group_id = group;
    request.producer_id = producer;
    request.producer_epoch = 0;
    request.member_id = member_id;
    request.generation_id = generation;
    auto& t = request.topics.emplace_back();
    t.name = topic;
    t.partitions.push_back({partition, offset, -1, "note"});
    return send(5, request);
  }
  kafka_error commit_in_error(uint64_t token) const {
    const auto& response = answer<kafka::txn_offset_commit_response>(token);
    return static_cast<kafka_error>(
      response.topics.at(0).partitions.at(0).error_code);
  }

  /// The error of a fetch that requires what is stable.
  kafka_error fetch_stable(const std::string& group, const std::string& topic) {
    kafka::offset_fetch_request request;
    request.require_stable = true;
    auto& g = request.groups.emplace_back();
    g.group_id = group;
    g.topics.emplace().push_back({topic, {}, {0}});
    const auto& response
      = answer<kafka::offset_fetch_response>(send(9, request));
    return static_cast<kafka_error>(
      response.groups.at(0).topics.at(0).partitions.at(0).error_code);
  }

  /// What a fetch sees; -1 for nothing.
  int64_t fetch(
    const std::string& group, const std::string& topic, int32_t partition = 0) {
    kafka::offset_fetch_request request;
    auto& g = request.groups.emplace_back();
    g.group_id = group;
    g.topics.emplace().push_back({topic, {}, {partition}});
    const auto& response
      = answer<kafka::offset_fetch_response>(send(9, request));
    return response.groups.at(0).topics.at(0).partitions.at(0).committed_offset;
  }

  const group_state* group(const std::string& id) const {
    const auto it = registry.groups().find(id);
    return it == registry.groups().end() ? nullptr : &it->second;
  }
  group_phase phase(const std::string& id) const {
    REQUIRE(group(id));
    return group(id)->phase();
  }

  /// A group of `count` members, stable in its first generation; returns
  /// their ids, the leader first.
  std::vector<std::string> stable_group(const std::string& name, size_t count,
    join_options options = {}, bool is_static = false) {
    std::vector<uint64_t> joins;
    for (size_t i = 0; i < count; ++i) {
      if (is_static) {
        options.instance_id = "instance-" + std::to_string(i);
        joins.push_back(join(name, options));
      } else {
        joins.push_back(join_with_id(name, options));
      }
    }
    advance(config.initial_rebalance_delay_ms
            * static_cast<int64_t>(count > 1 ? 2 : 1));
    std::vector<std::string> ids;
    std::string leader;
    for (const auto token : joins) {
      REQUIRE(join_error(token) == kafka_error::none);
      ids.push_back(joined(token).member_id);
      leader = joined(token).leader;
    }
    std::iter_swap(ids.begin(), std::find(ids.begin(), ids.end(), leader));
    std::vector<std::pair<std::string, std::string>> parts;
    for (const auto& id : ids)
      parts.emplace_back(id, "part of " + id);
    for (const auto& id : ids) {
      const auto token = sync(name, id, group(name)->generation(),
        id == leader ? parts : decltype(parts){});
      REQUIRE(sync_error(token) == kafka_error::none);
    }
    REQUIRE(phase(name) == group_phase::stable);
    return ids;
  }
};

} // namespace millrace::test
