#include "simulation/share_member.hpp"

#include "schema/kafka_error.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int8_t group_key = 0;
constexpr int64_t beat_ms_max = 1500;
constexpr int64_t poll_ms_max = 350;

} // namespace

share_member::share_member(share_group_run& group) : group_(group) {}

void share_member::start() {
  begin_life();
}

void share_member::stop() {
  stopped_ = true;
  end_life();
}

void share_member::later(int64_t ms_max, void (share_member::*what)()) {
  group_.all.later(ms_max, [this, what, life = life_] {
    if (lives_ && life == life_)
      (this->*what)();
  });
}

void share_member::begin_life() {
  if (stopped_ || lives_)
    return;
  auto& world = group_.all.world;
  ++life_;
  lives_ = true;
  client_.emplace(group_.all);
  id_ = to_string(uuid{world.random_bits(), world.random_bits()});
  epoch_ = epoch_joining;
  coordinator_ = -1;
  assigned_.clear();
  is_greedy_ = world.random(3) == 0;
  ends_at_
    = world.now() + static_cast<sim_time>(2 + world.random(30)) * sim_second;
  beat();
  poll();
}

void share_member::end_life() {
  if (!lives_)
    return;
  lives_ = false;
  doors_.clear();
  client_.reset();
}

void share_member::beat() {
  auto& world = group_.all.world;
  if (!group_.all.stopping && world.now() >= ends_at_) {
    const bool leaves = coordinator_ >= 0 && world.random(2) == 0;
    if (leaves)
      heartbeat(epoch_leaving);
    group_.all.later(leaves ? 500 : 1, [this, life = life_] {
      if (life != life_)
        return;
      end_life();
      group_.all.later(6000, [this] {
        begin_life();
      });
    });
    return;
  }
  if (coordinator_ < 0)
    find_coordinator();
  else
    heartbeat(epoch_);
}

void share_member::find_coordinator() {
  client_->find_coordinator(
    group_key, group_.name, [this](int32_t node, const std::string& why) {
      coordinator_ = node;
      if (!why.empty())
        last_answer_ = why;
      later(node < 0 ? 300 : 10, &share_member::beat);
    });
}

void share_member::heartbeat(int32_t epoch) {
  kafka::share_group_heartbeat_request request;
  request.group_id = group_.name;
  request.member_id = id_;
  request.member_epoch = epoch;
  if (epoch == epoch_joining || says_all_)
    request.subscribed_topic_names = {group_.all.topic};
  client_->request<kafka::share_group_heartbeat_response>(coordinator_,
    api_key::share_group_heartbeat, 1, request,
    [this, epoch](const kafka::share_group_heartbeat_response* response) {
      if (epoch == epoch_leaving)
        return;
      take(response);
      later(epoch_ == epoch_joining ? 300 : beat_ms_max, &share_member::beat);
    });
}

void share_member::take(const kafka::share_group_heartbeat_response* response) {
  const auto code = response == nullptr
                      ? kafka_error::network_exception
                      : static_cast<kafka_error>(response->error_code);
  says_all_ = code != kafka_error::none;
  if (says_all_)
    last_answer_ = std::string{"ShareGroupHeartbeat: "} + to_string(code);
  switch (code) {
  case kafka_error::none:
    epoch_ = response->member_epoch;
    if (!response->assignment)
      return;
    assigned_.clear();
    for (const auto& t : response->assignment->topic_partitions) {
      group_.topic = t.topic_id;
      assigned_.insert(t.partitions.begin(), t.partitions.end());
    }
    return;
  case kafka_error::unknown_member_id:
  case kafka_error::fenced_member_epoch:
  case kafka_error::group_id_not_found:
    epoch_ = epoch_joining;
    assigned_.clear();
    return;
  default:
    coordinator_ = -1;
  }
}

void share_member::poll() {
  // Somebody's leader has to be asked for first.
  for (int32_t p = 0; p < group_.all.partitions; ++p)
    if (client_->leader_of(p).node < 0) {
      client_->with_leader(p, [this](cluster_client::lead) {
        turn_everywhere();
        later(poll_ms_max, &share_member::poll);
      });
      return;
    }
  turn_everywhere();
  later(poll_ms_max, &share_member::poll);
}

void share_member::turn_everywhere() {
  if (group_.topic.is_zero())
    return;
  std::map<int32_t, std::set<int32_t>> wanted;
  for (const auto& [node, door] : doors_)
    wanted[node] = {};
  for (int32_t p = 0; p < group_.all.partitions; ++p) {
    const auto node = client_->leader_of(p).node;
    if (node >= 0
        && (assigned_.contains(p) || (is_greedy_ && !assigned_.empty())))
      wanted[node].insert(p);
  }
  for (const auto& [node, partitions] : wanted) {
    auto& door = doors_[node];
    if (door == nullptr)
      door = std::make_unique<share_door>(group_, *client_, id_, node);
    door->turn(partitions);
  }
}

} // namespace millrace
