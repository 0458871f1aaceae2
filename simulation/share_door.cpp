#include "simulation/share_door.hpp"

#include "actors/broker.hpp"
#include "actors/partition.hpp"
#include "actors/partition_share.hpp"
#include "schema/kafka_error.hpp"
#include "simulation/actor_state.hpp"
#include "storage/record_reader.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int16_t version = 2;
constexpr int32_t session_ends = -1;
constexpr int8_t accept = 1;
constexpr int8_t release = 2;
constexpr int8_t reject = 3;
constexpr int8_t renew = 4;
constexpr int8_t never = 0; ///< it says nothing of the record

/// Whether an acknowledgement that was refused so has changed nothing: with
/// others it may be durable all the same.
bool is_certain(kafka_error error) {
  return error == kafka_error::invalid_record_state
         || error == kafka_error::invalid_request
         || error == kafka_error::unknown_topic_or_partition;
}

/// A node's replica and its state, or null.
std::pair<partition_actor, const partition_state*> partition_at(
  sim_cluster& cluster, int32_t node, const topic_partition& name) {
  if (!cluster.node(node).running())
    return {};
  const auto* broker = state_of<broker_state>(cluster.node(node).core().broker);
  if (broker == nullptr)
    return {};
  const auto at = broker->replicas.find(name);
  if (at == broker->replicas.end() || at->second.actor == nullptr)
    return {};
  return {at->second.actor, state_of<partition_state>(at->second.actor)};
}

} // namespace

known_replica replica_at(
  sim_cluster& cluster, int32_t node, const topic_partition& name) {
  const auto [actor, state] = partition_at(cluster, node, name);
  if (state == nullptr)
    return {};
  return {state->options.registration.epoch.value, actor->id()};
}

share_door::share_door(share_group_run& group, cluster_client& client,
  std::string member, int32_t node)
    : group_(group), client_(client), member_(std::move(member)), node_(node) {}

share_door::~share_door() {
  close();
}

known_replica share_door::replica_of(int32_t partition) const {
  return replica_at(group_.all.cluster, node_, {group_.all.topic, partition});
}

int64_t share_door::start_of(int32_t partition) const {
  const auto [actor, state]
    = partition_at(group_.all.cluster, node_, {group_.all.topic, partition});
  if (state == nullptr)
    return 0;
  const auto seat = state->shares.find(group_.name);
  return seat == state->shares.end() || !seat->second->core
           ? 0
           : seat->second->core->start().value;
}

void share_door::open() {
  if (session_ == 0)
    session_ = group_.book.begin_session();
}

void share_door::close() {
  if (session_ != 0)
    group_.book.end_session(session_);
  session_ = 0;
  epoch_ = 0;
  named_.clear();
  holds_.clear();
}

void share_door::turn(const std::set<int32_t>& partitions) {
  if (is_out_ || (partitions.empty() && epoch_ == 0))
    return;
  auto& world = group_.all.world;
  const bool ends = epoch_ != 0
                    && (partitions.empty()
                        || (!group_.all.stopping && world.random(60) == 0));
  const auto now = world.now();
  const bool renews
    = std::any_of(holds_.begin(), holds_.end(), [&](const auto& h) {
        return h.due <= now
               && std::find(h.types.begin(), h.types.end(), renew)
                    != h.types.end();
      });
  const bool any_due
    = std::any_of(holds_.begin(), holds_.end(), [&](const auto& h) {
        return h.due <= now;
      });
  if (epoch_ != 0 && !ends && (renews || (any_due && world.random(3) == 0)))
    acknowledge(renews);
  else
    fetch(partitions, ends);
}

template <class Topics>
share_door::said_map share_door::say(Topics& topics, bool renews) {
  said_map spoken;
  const auto now = group_.all.world.now();
  std::vector<hold> due;
  std::vector<hold> rest;
  for (auto& h : holds_)
    (h.due <= now ? due : rest).push_back(std::move(h));
  holds_ = std::move(rest);
  std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
    return std::pair{a.partition, a.first} < std::pair{b.partition, b.first};
  });
  for (auto& h : due) {
    auto again = h;
    again.due
      = now + static_cast<sim_time>(group_.all.world.random(3000)) * sim_ms;
    auto& list = topics.partitions;
    if (list.empty() || list.back().partition_index != h.partition)
      list.emplace_back().partition_index = h.partition;
    auto& s = spoken[h.partition];
    const auto replica = replica_of(h.partition);
    s.leader.from = replica.epoch;
    s.leader.actor_from = replica.actor;
    for (size_t i = 0; i < h.types.size();) {
      auto next = i;
      while (next < h.types.size()
             && (h.types[next] != never) == (h.types[i] != never))
        ++next;
      if (h.types[i] != never) {
        const auto first = h.first + static_cast<int64_t>(i);
        const auto last = h.first + static_cast<int64_t>(next) - 1;
        const std::vector<int8_t> types{
          h.types.begin() + static_cast<ptrdiff_t>(i),
          h.types.begin() + static_cast<ptrdiff_t>(next)};
        auto& batch = list.back().acknowledgement_batches.emplace_back();
        batch.first_offset = first;
        batch.last_offset = last;
        batch.acknowledge_types = types;
        s.numbers.push_back(
          group_.book.says(session_, {h.partition, first, last}, types, now));
      }
      i = next;
    }
    if (!renews)
      continue;
    // What it has renewed it accepts another time.
    for (auto& type : again.types)
      type = type == renew ? accept : never;
    holds_.push_back(std::move(again));
  }
  return spoken;
}

void share_door::acknowledge(bool renews) {
  kafka::share_acknowledge_request request;
  request.group_id = group_.name;
  request.member_id = member_;
  request.share_session_epoch = epoch_;
  request.is_renew_ack = renews;
  auto& topic = request.topics.emplace_back();
  topic.topic_id = group_.topic;
  auto spoken = say(topic, renews);
  is_out_ = true;
  const auto asked = group_.all.world.now();
  client_.request<kafka::share_acknowledge_response>(node_,
    api_key::share_acknowledge, version, request,
    [this, spoken = std::move(spoken), asked](
      const kafka::share_acknowledge_response* response) {
      is_out_ = false;
      if (response == nullptr) {
        hear_nothing(spoken);
        close();
        return;
      }
      for (const auto& t : response->responses)
        for (const auto& p : t.partitions)
          hear(
            spoken, p.partition_index, static_cast<kafka_error>(p.error_code));
      if (goes_on(response->error_code, asked))
        ++epoch_;
    });
}

void share_door::fetch(const std::set<int32_t>& partitions, bool ends) {
  auto& world = group_.all.world;
  open();
  kafka::share_fetch_request request;
  request.group_id = group_.name;
  request.member_id = member_;
  request.share_session_epoch = ends ? session_ends : epoch_;
  request.max_wait_ms = 200;
  request.min_bytes = 1;
  request.max_bytes = 1 << 16;
  request.max_records
    = group_.all.stopping ? 500 : 1 + static_cast<int32_t>(world.random(60));
  request.batch_size = 1 + static_cast<int32_t>(world.random(100));
  request.share_acquire_mode = static_cast<int8_t>(world.random(2));
  auto& topic = request.topics.emplace_back();
  topic.topic_id = group_.topic;
  auto spoken = epoch_ == 0 ? said_map{} : say(topic, false);
  for (const auto p : partitions)
    if (!ends && !named_.contains(p) && !spoken.contains(p))
      topic.partitions.emplace_back().partition_index = p;
  auto& forgotten = request.forgotten_topics_data.emplace_back();
  forgotten.topic_id = group_.topic;
  for (const auto p : named_)
    if (!partitions.contains(p) && !spoken.contains(p))
      forgotten.partitions.push_back(p);
  // What it speaks of is part of the session.
  for (const auto p : forgotten.partitions)
    named_.erase(p);
  for (const auto& p : topic.partitions)
    named_.insert(p.partition_index);
  if (topic.partitions.empty())
    request.topics.clear();
  if (forgotten.partitions.empty())
    request.forgotten_topics_data.clear();
  std::map<int32_t, known_replica> replicas;
  for (int32_t p = 0; p < group_.all.partitions; ++p)
    replicas[p] = replica_of(p);
  is_out_ = true;
  client_.request<kafka::share_fetch_response>(node_, api_key::share_fetch,
    version, request,
    [this, spoken = std::move(spoken), replicas = std::move(replicas), ends,
      asked = world.now()](const kafka::share_fetch_response* response) {
      is_out_ = false;
      take_fetched(response, spoken, replicas, asked);
      if (response == nullptr || ends)
        close();
      else if (goes_on(response->error_code, asked))
        ++epoch_;
    });
}

bool share_door::goes_on(int16_t error, sim_time asked) {
  if (error != 0) {
    close();
    return false;
  }
  group_.book.alive(session_, asked);
  return true;
}

void share_door::take_fetched(const kafka::share_fetch_response* response,
  const said_map& spoken, const std::map<int32_t, known_replica>& replicas,
  sim_time asked) {
  if (response == nullptr) {
    hear_nothing(spoken);
    return;
  }
  for (const auto& t : response->responses)
    for (const auto& p : t.partitions) {
      if (spoken.contains(p.partition_index))
        hear(spoken, p.partition_index,
          static_cast<kafka_error>(p.acknowledge_error_code));
      if (p.error_code != 0)
        client_.forget(p.partition_index);
      take_records(p, replicas.at(p.partition_index), asked);
    }
}

void share_door::take_records(
  const kafka::share_fetch_response::partition_data& p,
  const known_replica& before, sim_time asked) {
  if (p.acquired_records.empty())
    return;
  auto& all = group_.all;
  std::set<int64_t> there;
  const auto read = for_each_record(
    p.records.bytes.span(), offset{0}, [&](const record_view& record) {
      there.insert(record.at.value);
    });
  MILLRACE_ASSERT(read.ok(), "what a node sends can be read");
  const auto after = replica_of(p.partition_index);
  for (const auto& range : p.acquired_records) {
    group_.book.given(session_,
      {p.partition_index, range.first_offset, range.last_offset},
      range.delivery_count,
      {before.epoch, after.epoch, before.actor, after.actor},
      {asked, all.world.now()});
    const auto count
      = static_cast<size_t>(range.last_offset - range.first_offset + 1);
    for (size_t i = 0; i < count; ++i)
      if (!there.contains(range.first_offset + static_cast<int64_t>(i)))
        all.history.fail(
          "who is given a record is sent it: offset "
          + std::to_string(range.first_offset + static_cast<int64_t>(i))
          + " of partition " + std::to_string(p.partition_index) + " was not");
    group_.given += count;
    // Now and then so late that the lock is over.
    const auto wait = all.stopping                ? 0
                      : all.world.random(20) == 0 ? all.world.random(6000)
                                                  : all.world.random(300);
    holds_.push_back({p.partition_index, range.first_offset, some_types(count),
      all.world.now() + static_cast<sim_time>(wait) * sim_ms});
  }
}

std::vector<int8_t> share_door::some_types(size_t count) {
  auto& world = group_.all.world;
  std::vector<int8_t> types(count, accept);
  if (group_.all.stopping)
    return types;
  for (auto& type : types)
    switch (world.random(24)) {
    case 0:
      type = never;
      break;
    case 1:
    case 2:
      type = release;
      break;
    case 3:
      type = reject;
      break;
    default:
      break;
    }
  if (world.random(12) == 0)
    types[world.random(count)] = renew;
  return types;
}

void share_door::hear(
  const said_map& spoken, int32_t partition, kafka_error error) {
  const auto at = spoken.find(partition);
  if (at == spoken.end())
    return;
  auto leader = at->second.leader;
  const auto after = replica_of(partition);
  leader.to = after.epoch;
  leader.actor_to = after.actor;
  const auto is = error == kafka_error::none ? share_book::outcome::taken
                  : is_certain(error)        ? share_book::outcome::refused
                                             : share_book::outcome::unknown;
  for (const auto number : at->second.numbers)
    group_.book.answered(
      number, is, leader, group_.all.world.now(), start_of(partition));
  if (is == share_book::outcome::taken)
    ++group_.all.acknowledged;
  else
    client_.forget(partition);
}

void share_door::hear_nothing(const said_map& spoken) {
  for (const auto& [partition, s] : spoken)
    for (const auto number : s.numbers)
      group_.book.answered(
        number, share_book::outcome::unknown, s.leader, group_.all.world.now());
}

} // namespace millrace
