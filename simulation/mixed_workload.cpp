#include "simulation/mixed_workload.hpp"

#include "schema/kafka/offset_fetch.hpp"
#include "simulation/classic_member.hpp"
#include "simulation/consumer_member.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int8_t group_key = 0;
constexpr size_t slot_count = 3;
/// So long most members that come speak one protocol, and then the other.
constexpr sim_time fashion = 14 * sim_second;

} // namespace

std::map<std::string, std::string> mixed_workload::settings() {
  return {{"group.consumer.session.timeout.ms", "8000"},
    {"group.consumer.heartbeat.interval.ms", "1000"}};
}

mixed_workload::mixed_workload(cluster_clients& all)
    : group_{.all = all, .is_cooperative = all.world.random(2) == 0},
      client_(all), slots_(slot_count) {}

void mixed_workload::start() {
  for (size_t i = 0; i < slots_.size(); ++i)
    begin_life(i);
}

bool mixed_workload::is_classic_time() const {
  return group_.all.world.now() / fashion % 2 == 0;
}

void mixed_workload::begin_life(size_t number) {
  auto& s = slots_[number];
  auto& all = group_.all;
  ++s.life;
  const bool follows_fashion = all.world.random(6) != 0;
  if (is_classic_time() == follows_fashion)
    s.member = std::make_unique<classic_member>(group_);
  else
    s.member = std::make_unique<consumer_member>(group_);
  s.member->start();
  all.later(9000, [this, number, life = s.life] {
    disturb(number, life);
  });
}

/// It leaves, dies, or hangs.
void mixed_workload::disturb(size_t number, uint64_t life) {
  auto& s = slots_[number];
  auto& all = group_.all;
  if (all.stopping || s.life != life)
    return;
  const auto choice = all.world.random(6);
  if (choice == 0) {
    // Mostly longer than a session.
    s.member->hang(
      static_cast<sim_time>(4000 + all.world.random(14'000)) * sim_ms);
    all.later(24'000, [this, number, life] {
      disturb(number, life);
    });
    return;
  }
  if (choice >= 3)
    s.member->leave();
  all.world.after(300 * sim_ms, [this, number, life] {
    if (slots_[number].life != life)
      return;
    slots_[number].member.reset();
    group_.all.later(3000, [this, number] {
      begin_life(number);
    });
  });
}

void mixed_workload::finish() {
  await_owners();
}

void mixed_workload::await_owners() {
  // Longer than any answer that is on its way would take to change it.
  const auto soon = group_.all.world.now() + sim_second;
  if (group_.book.is_settled(group_.all.partitions, soon)) {
    look();
    return;
  }
  last_answer_ = group_.book.text(soon);
  group_.all.later(500, [this] {
    await_owners();
  });
}

void mixed_workload::look() {
  const auto again = [this] {
    group_.all.later(500, [this] {
      look();
    });
  };
  client_.find_coordinator(group_key, group_.name,
    [this, again](int32_t node, const std::string& why) {
      last_answer_ = why;
      if (node < 0) {
        again();
        return;
      }
      kafka::offset_fetch_request request;
      auto& g = request.groups.emplace_back();
      g.group_id = group_.name;
      auto& topic = g.topics->emplace_back();
      topic.name = group_.all.topic;
      for (int32_t p = 0; p < group_.all.partitions; ++p)
        topic.partition_indexes.push_back(p);
      std::map<int32_t, int64_t> least;
      for (int32_t p = 0; p < group_.all.partitions; ++p)
        least[p] = group_.book.taken(p);
      client_.request<kafka::offset_fetch_response>(node, api_key::offset_fetch,
        8, request,
        [this, again, least](const kafka::offset_fetch_response* response) {
          if (response == nullptr || response->groups.empty()
              || response->groups.front().error_code != 0
              || response->groups.front().topics.empty()) {
            last_answer_ = "nobody shows what is committed";
            again();
            return;
          }
          for (const auto& p :
            response->groups.front().topics.front().partitions)
            group_.book.shown(p.partition_index, p.committed_offset,
              least.at(p.partition_index));
          group_.is_over = true;
          done_ = true;
        });
    });
}

std::string mixed_workload::last_answer() const {
  auto text = last_answer_;
  for (const auto& s : slots_)
    if (s.member != nullptr && !s.member->last_answer().empty())
      text += "; " + s.member->last_answer();
  return text;
}

} // namespace millrace
