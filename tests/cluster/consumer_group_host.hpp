#pragma once

// Consumer groups with hands and feet for tests: a clock, a log that takes
// every append (or waits to be told), topics, and clients that do what a
// real one does with the answers.

#include "cluster/consumer_groups.hpp"
#include "cluster/group_answers.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace millrace::test {

using heartbeat_request = kafka::consumer_group_heartbeat_request;
using heartbeat_response = kafka::consumer_group_heartbeat_response;
using owned_topic = heartbeat_request::owned_topic_partitions;

inline uuid topic_id(const std::string& name) {
  return {7, std::hash<std::string>{}(name)};
}

class consumer_group_host {
public:
  explicit consumer_group_host(consumer_group_config config = quick(),
    const std::vector<offsets_record>& before = {})
      : config(std::move(config)), groups(this->config, [this] {
          return uuid{0, ++ids};
        }) {
    log = before;
    for (const auto& record : before) {
      const auto decoded = decode(record);
      groups.replay(decoded);
    }
    groups.finish_load(now_ms);
  }
  consumer_group_host(const consumer_group_host&) = delete;
  consumer_group_host& operator=(const consumer_group_host&) = delete;

  /// Assigns at every change; fast enough to see each step.
  static consumer_group_config quick() {
    return {.assignment_interval_ms = 0};
  }

  consumer_group_config config;
  uint64_t ids = 0;
  consumer_groups groups;
  int64_t now_ms = 1'000;
  std::vector<offsets_record> log;
  /// Whether appends are durable at once.
  bool appends_at_once = true;
  std::deque<std::pair<uint64_t, std::vector<offsets_record>>> appends;
  uint64_t next_append = 1;
  std::vector<topic_view::topic> topics;
  int64_t topics_version = 0;

  [[nodiscard]] int64_t wall_ms() const {
    return 1'700'000'000'000 + now_ms;
  }

  static consumer_group_record decode(const offsets_record& record) {
    auto decoded = decode_consumer_group_record(
      record.key, record.value ? std::optional<std::string_view>{*record.value}
                               : std::nullopt);
    REQUIRE(decoded.ok());
    return std::move(*decoded);
  }

  /// Makes or grows topics; none deletes one.
  void set_topic(const std::string& name, int32_t partitions) {
    std::erase_if(topics, [&](const auto& t) {
      return t.name == name;
    });
    if (partitions > 0)
      topics.push_back({name, topic_id(name), partitions});
    groups.set_topics(std::make_shared<topic_view>(++topics_version, topics));
  }

  heartbeat_response send(
    const heartbeat_request& request, int16_t version = 1) {
    const group_request_context who{
      1, version, "client", "/127.0.0.1", now_ms, wall_ms()};
    auto turn = begin_turn();
    auto answer = groups.heartbeat(turn, next_append, who, request);
    end_turn(turn);
    return std::move(answer.response);
  }
  static kafka_error error_of(const heartbeat_response& answer) {
    return static_cast<kafka_error>(answer.error_code);
  }

  /// Moves the clock, with every deadline on the way.
  void advance(int64_t ms) {
    const auto end = now_ms + ms;
    while (groups.next_ms() <= end) {
      now_ms = std::max(now_ms, groups.next_ms());
      auto turn = begin_turn();
      groups.on_timer(turn, next_append);
      end_turn(turn);
    }
    now_ms = end;
  }

  void end_append(bool durable) {
    REQUIRE_FALSE(appends.empty());
    const auto [id, records] = std::move(appends.front());
    appends.pop_front();
    if (durable)
      log.insert(log.end(), records.begin(), records.end());
    groups.end_append(id, durable, now_ms);
  }

  const consumer_group_state& group(const std::string& id = "g") const {
    const auto* found = groups.find(id);
    REQUIRE(found);
    return *found;
  }
  const consumer_group_member& member(const std::string& id) const {
    const auto* found = group().find(id);
    REQUIRE(found);
    return *found;
  }

  group_turn begin_turn() {
    return {classic_config,
      [](const std::string&) {
        return nullptr;
      },
      now_ms, wall_ms()};
  }
  void end_turn(group_turn& turn) {
    if (turn.effects.records.empty())
      return;
    appends.emplace_back(next_append++, std::move(turn.effects.records));
    if (appends_at_once)
      end_append(true);
  }

private:
  group_config classic_config;
};

/// A consumer as clients implement it: it heartbeats, takes over what it is
/// assigned, gives up what it is no longer assigned and says so.
class consumer_client {
public:
  consumer_client(consumer_group_host& host, std::string id,
    std::vector<std::string> topics = {"t"})
      : host_(&host), id(std::move(id)), topics(std::move(topics)) {}

  consumer_group_host* host_;
  std::string id;
  std::vector<std::string> topics;
  std::string regex;
  std::optional<std::string> instance_id;
  std::optional<std::string> assignor;
  int32_t rebalance_timeout_ms = 60'000;
  int32_t epoch = 0;
  partition_set owned;
  /// Whether it gives up partitions when it is told to.
  bool gives_up = true;
  kafka_error error = kafka_error::none;
  int32_t interval_ms = 0;

  heartbeat_request request() const {
    heartbeat_request r;
    r.group_id = "g";
    r.member_id = id;
    r.member_epoch = epoch;
    r.instance_id = instance_id;
    r.topic_partitions = list_of<owned_topic>(owned);
    if (epoch == 0) {
      r.rebalance_timeout_ms = rebalance_timeout_ms;
      r.server_assignor = assignor;
      subscribe(r);
    }
    return r;
  }
  void subscribe(heartbeat_request& r) const {
    r.subscribed_topic_names = topics;
    if (!regex.empty())
      r.subscribed_topic_regex = regex;
  }

  /// One heartbeat; whether it has given anything up, which it should say.
  bool beat() {
    return take(host_->send(request()));
  }
  /// One heartbeat, and another for what it has given up by it.
  void settle() {
    for (int i = 0; i < 5 && beat(); ++i)
      ;
  }
  /// A heartbeat that tells a new subscription.
  bool resubscribe(std::vector<std::string> names) {
    topics = std::move(names);
    auto r = request();
    subscribe(r);
    return take(host_->send(r));
  }
  bool take(const heartbeat_response& answer) {
    error = consumer_group_host::error_of(answer);
    if (error == kafka_error::fenced_member_epoch
        || error == kafka_error::unknown_member_id) {
      owned.clear();
      epoch = 0;
      return false;
    }
    if (error != kafka_error::none)
      return false;
    epoch = answer.member_epoch;
    interval_ms = answer.heartbeat_interval_ms;
    if (!answer.assignment)
      return false;
    const auto assigned = partitions_of(answer.assignment->topic_partitions);
    const bool revokes = !is_subset(owned, assigned);
    if (revokes && !gives_up)
      return false;
    owned = assigned;
    return revokes;
  }
  void leave(int32_t with_epoch = epoch_leaving) {
    auto r = request();
    r.member_epoch = with_epoch;
    error = consumer_group_host::error_of(host_->send(r));
    epoch = 0;
    owned.clear();
  }
};

/// Two members that share the four partitions of `t`.
struct pair_of_members {
  explicit pair_of_members(
    consumer_group_config config = consumer_group_host::quick())
      : host(std::move(config)) {
    host.set_topic("t", 4);
    a.beat();
    b.beat();
    a.settle();
    b.settle();
    REQUIRE(count_of(a.owned) == 2);
    REQUIRE(count_of(b.owned) == 2);
  }

  consumer_group_host host;
  consumer_client a{host, "a"};
  consumer_client b{host, "b"};
};

} // namespace millrace::test
