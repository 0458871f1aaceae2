#include "simulation/consumer_member.hpp"

#include "cluster/consumer_group_request.hpp"

#include <algorithm>

namespace millrace {

namespace {

using kafka::api_key;

constexpr int64_t beat_ms_max = 1500;
constexpr int32_t rebalance_timeout_ms = 20'000;

} // namespace

consumer_member::consumer_member(mixed_group& group) : mixed_member(group) {
  auto& world = group.all.world;
  id_ = to_string(uuid{world.random_bits(), world.random_bits()});
}

void consumer_member::say_goodbye() {
  if (epoch_ <= 0)
    return;
  kafka::consumer_group_heartbeat_request request;
  request.group_id = group_.name;
  request.member_id = id_;
  request.member_epoch = epoch_leaving;
  client_->request<kafka::consumer_group_heartbeat_response>(coordinator_,
    api_key::consumer_group_heartbeat, 1, request,
    [](const kafka::consumer_group_heartbeat_response*) {});
}

void consumer_member::act() {
  for (const auto p : std::exchange(giving_up_, {})) {
    give_up(p);
    tells_owned_ = true;
  }
  kafka::consumer_group_heartbeat_request request;
  request.group_id = group_.name;
  request.member_id = id_;
  request.member_epoch = epoch_;
  const bool says_all = epoch_ == epoch_joining || says_all_;
  if (says_all) {
    request.rebalance_timeout_ms = rebalance_timeout_ms;
    request.subscribed_topic_names = {group_.topic_name()};
  }
  if (std::exchange(tells_owned_, false) || says_all) {
    auto& owned = request.topic_partitions.emplace();
    if (!owned_.empty())
      owned.push_back({group_.topic, {owned_.begin(), owned_.end()}});
  }
  client_->request<kafka::consumer_group_heartbeat_response>(coordinator_,
    api_key::consumer_group_heartbeat, 1, request,
    [this, q = ask()](const kafka::consumer_group_heartbeat_response* r) {
      take(r, q);
    });
}

void consumer_member::take(
  const kafka::consumer_group_heartbeat_response* response, const question& q) {
  const auto code = response == nullptr
                      ? kafka_error::network_exception
                      : static_cast<kafka_error>(response->error_code);
  note("ConsumerGroupHeartbeat", code);
  says_all_ = code != kafka_error::none;
  switch (code) {
  case kafka_error::none:
    epoch_ = response->member_epoch;
    keep(q);
    if (response->assignment) {
      std::set<int32_t> assigned;
      for (const auto& t : response->assignment->topic_partitions) {
        group_.topic = t.topic_id;
        assigned.insert(t.partitions.begin(), t.partitions.end());
      }
      reconcile(std::move(assigned), q);
    }
    break;
  case kafka_error::unknown_member_id:
  case kafka_error::fenced_member_epoch:
  case kafka_error::group_id_not_found:
    give_up_all();
    giving_up_.clear();
    epoch_ = epoch_joining;
    break;
  default:
    lose_coordinator(last_answer());
  }
  later(giving_up_.empty() && !tells_owned_ && code == kafka_error::none
          ? beat_ms_max
          : 400);
}

void consumer_member::reconcile(std::set<int32_t> assigned, const question& q) {
  giving_up_.clear();
  for (const auto p : owned_)
    if (!assigned.contains(p))
      giving_up_.insert(p);
  if (assigned != owned_)
    tells_owned_ = true;
  take_over(assigned, q);
}

} // namespace millrace
