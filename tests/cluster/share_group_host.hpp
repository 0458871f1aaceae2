#pragma once

// Share groups with all that they need: a registry of groups with its log, and
// a share coordinator with its own.

#include "cluster/share_state_registry.hpp"
#include "tests/cluster/group_host.hpp"

namespace millrace::test {

class share_group_host : public group_host {
public:
  using request = kafka::share_group_heartbeat_request;
  using response = kafka::share_group_heartbeat_response;

  static group_config immediate() {
    group_config config;
    config.share.assignment_interval_ms = 0;
    return config;
  }

  explicit share_group_host(const group_config& config = immediate(),
    const std::vector<logged>& log = {})
      : group_host(config, log) {
    states.finish_load();
  }

  share_state_registry states;
  std::vector<topic_view::topic> topics;
  int64_t topics_version = 0;
  /// Whether questions are answered at once; if not, answer_orders() does.
  bool orders_at_once = true;
  kafka_error refuse_orders = kafka_error::none;
  int64_t log_end = 100; ///< of every partition

  static uuid topic_id(const std::string& name) {
    return {7, std::hash<std::string>{}(name)};
  }

  /// Makes or grows a topic; none deletes it.
  void set_topic(const std::string& name, int32_t partitions) {
    std::erase_if(topics, [&](const auto& t) {
      return t.name == name;
    });
    if (partitions > 0)
      topics.push_back({name, topic_id(name), partitions});
    registry.set_topics(std::make_shared<topic_view>(++topics_version, topics));
  }

  template <class Request>
  uint64_t ask(int16_t version, const Request& question) {
    const auto token = send(version, question);
    if (orders_at_once)
      answer_orders();
    return token;
  }
  response beat(const std::string& group, const std::string& member,
    int32_t epoch, std::optional<std::vector<std::string>> names = {}) {
    request r;
    r.group_id = group;
    r.member_id = member;
    r.member_epoch = epoch;
    r.subscribed_topic_names = std::move(names);
    if (epoch == 0 && !r.subscribed_topic_names)
      r.subscribed_topic_names = {"t"};
    return answer<response>(ask(1, r));
  }
  kafka_error beat_error(
    const std::string& group, const std::string& member, int32_t epoch) {
    return static_cast<kafka_error>(beat(group, member, epoch).error_code);
  }
  /// Heartbeats of a member until it hears of nothing new.
  partition_set settle(const std::string& group, const std::string& member) {
    response last;
    for (int round = 0; round < 4; ++round) {
      advance(config.share.assignment_interval_ms);
      last = beat(
        group, member, 0, shares().find(group)->find(member)->topic_names);
      REQUIRE(last.error_code == 0);
    }
    return partitions_of(last.assignment.value().topic_partitions);
  }
  const share_groups& shares() const {
    return registry.shares();
  }

  void answer_orders() {
    while (!share_orders.empty()) {
      const auto order = std::move(share_orders.front());
      share_orders.pop_front();
      auto told = tell(order.question);
      take(
        registry.on_share_state(order.id, std::move(told), now_ms, wall_ms()));
    }
  }

private:
  share_state_answer tell(const share_state_question& question) {
    if (refuse_orders != kafka_error::none)
      return {refuse_orders, "", {}};
    if (std::holds_alternative<share_state_question::log_end>(question.what))
      return {.state = {.start = offset{log_end}}};
    auto effects = states.handle(1, question, wall_ms());
    if (!effects.records.empty())
      effects = states.on_appended(effects.append_id, kafka_error::none,
        offset{static_cast<int64_t>(state_records++)});
    return effects.replies.at(0).second;
  }

  size_t state_records = 0;
};

} // namespace millrace::test
