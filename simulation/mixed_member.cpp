#include "simulation/mixed_member.hpp"

#include "cluster/group_partition.hpp"
#include "cluster/metadata_image.hpp"
#include "schema/kafka/offset_commit.hpp"
#include "schema/kafka/offset_fetch.hpp"
#include "simulation/share_door.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int8_t group_key = 0;
/// offsets.topic.num.partitions of all runs.
constexpr int32_t offsets_partitions = 2;
/// Of a session; no clock gains more than a hundredth.
constexpr sim_time certain_session = 8 * sim_second * 97 / 100;

} // namespace

mixed_member::mixed_member(mixed_group& group)
    : group_(group), client_(group.all), number_(group.book.next_member()) {}

mixed_member::~mixed_member() {
  *alive_ = false;
  group_.book.gives_up_all(number_);
}

void mixed_member::start() {
  go_on();
  commit_now_and_then();
}

void mixed_member::later(int64_t ms_max) {
  group_.all.later(ms_max, [this, alive = alive_] {
    if (*alive && !hangs_)
      go_on();
  });
}

void mixed_member::hang(sim_time span) {
  if (hangs_)
    return;
  hangs_ = true;
  group_.all.world.after(span, [this, alive = alive_] {
    if (!*alive)
      return;
    for (const auto p : owned_)
      commit(p);
    hangs_ = false;
    later(300);
  });
}

void mixed_member::leave() {
  has_left_ = true;
  give_up_all();
  if (coordinator_ >= 0)
    say_goodbye();
}

void mixed_member::go_on() {
  if (group_.is_over || hangs_ || has_left_)
    return;
  if (coordinator_ < 0)
    find_coordinator();
  else
    act();
}

void mixed_member::find_coordinator() {
  client_->find_coordinator(
    group_key, group_.name, [this](int32_t node, const std::string& why) {
      coordinator_ = node;
      if (!why.empty())
        last_answer_ = why;
      later(node < 0 ? 300 : 10);
    });
}

void mixed_member::lose_coordinator(const std::string& why) {
  last_answer_ = why;
  coordinator_ = -1;
}

void mixed_member::note(const char* what, kafka_error error) {
  if (error != kafka_error::none)
    last_answer_ = std::string{what} + ": " + to_string(error);
}

/// Nobody knows of a later leader of the group's partition than this
/// coordinator, or -1.
int32_t mixed_member::current_epoch() const {
  const topic_partition log{
    offsets_topic_name, group_partition(group_.name, offsets_partitions)};
  auto& cluster = group_.all.cluster;
  const auto own = replica_at(cluster, coordinator_, log).epoch;
  for (int32_t i = 0; i < cluster.size(); ++i)
    if (replica_at(cluster, i, log).epoch > own)
      return -1;
  return own;
}

mixed_member::question mixed_member::ask() const {
  return {group_.all.world.now(), coordinator_,
    coordinator_ < 0 ? -1 : current_epoch()};
}

bool mixed_member::counts(const question& q) const {
  return q.epoch >= 0 && coordinator_ == q.node && current_epoch() == q.epoch;
}

void mixed_member::take_over(
  const std::set<int32_t>& partitions, const question& q) {
  if (has_left_)
    return;
  const auto now = group_.all.world.now();
  std::set<int32_t> news;
  for (const auto p : partitions)
    if (owned_.insert(p).second)
      news.insert(p);
  if (!counts(q))
    return;
  group_.book.owns(number_, partitions, q.asked + certain_session, now);
  if (!news.empty())
    look(news);
}

void mixed_member::keep(const question& q) {
  if (counts(q) && !has_left_)
    group_.book.owns(
      number_, owned_, q.asked + certain_session, group_.all.world.now());
}

void mixed_member::give_up(int32_t partition) {
  owned_.erase(partition);
  group_.book.gives_up(number_, partition);
}

void mixed_member::give_up_all() {
  owned_.clear();
  group_.book.gives_up_all(number_);
}

void mixed_member::commit_now_and_then() {
  if (!hangs_ && !owned_.empty() && coordinator_ >= 0 && !group_.is_over) {
    auto at = owned_.begin();
    std::advance(
      at, static_cast<ptrdiff_t>(group_.all.world.random(owned_.size())));
    commit(*at);
  }
  group_.all.later(2000, [this, alive = alive_] {
    if (*alive)
      commit_now_and_then();
  });
}

void mixed_member::commit(int32_t partition) {
  if (coordinator_ < 0)
    return;
  kafka::offset_commit_request request;
  request.group_id = group_.name;
  request.member_id = id_;
  request.generation_id_or_member_epoch = epoch_or_generation();
  auto& topic = request.topics.emplace_back();
  topic.name = group_.topic_name();
  auto& p = topic.partitions.emplace_back();
  p.partition_index = partition;
  const auto offset
    = group_.book.commits(number_, partition, group_.all.world.now());
  p.committed_offset = offset;
  client_->request<kafka::offset_commit_response>(coordinator_,
    api_key::offset_commit, 9, request,
    [this, offset](const kafka::offset_commit_response* response) {
      if (response == nullptr || response->topics.empty())
        return; // nobody knows
      const auto code = static_cast<kafka_error>(
        response->topics.front().partitions.front().error_code);
      note("OffsetCommit", code);
      if (code == kafka_error::none) {
        ++group_.all.acknowledged;
        group_.book.answered(offset, owner_book::outcome::taken);
      } else if (code == kafka_error::unknown_member_id
                 || code == kafka_error::illegal_generation
                 || code == kafka_error::stale_member_epoch
                 || code == kafka_error::fenced_member_epoch) {
        group_.book.answered(offset, owner_book::outcome::refused);
      }
    });
}

/// What is committed for what it owns from now on.
void mixed_member::look(const std::set<int32_t>& partitions) {
  kafka::offset_fetch_request request;
  auto& g = request.groups.emplace_back();
  g.group_id = group_.name;
  auto& topic = g.topics->emplace_back();
  topic.name = group_.topic_name();
  std::map<int32_t, int64_t> least;
  for (const auto p : partitions) {
    topic.partition_indexes.push_back(p);
    least[p] = group_.book.taken(p);
  }
  client_->request<kafka::offset_fetch_response>(coordinator_,
    api_key::offset_fetch, 8, request,
    [this, q = ask(), least](const kafka::offset_fetch_response* response) {
      if (response == nullptr || response->groups.empty() || !counts(q)
          || response->groups.front().error_code != 0)
        return;
      for (const auto& t : response->groups.front().topics)
        for (const auto& p : t.partitions)
          if (p.error_code == 0)
            group_.book.shown(p.partition_index, p.committed_offset,
              least.at(p.partition_index));
    });
}

} // namespace millrace
