#include "cluster/fetch_session.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int32_t final_epoch = -1;  // no session, or the end of one
constexpr int32_t initial_epoch = 0; // a new session, if it can be had
constexpr int16_t first_version_with_ids = 13;

int32_t epoch_after(int32_t epoch) {
  return epoch == INT32_MAX ? 1 : epoch + 1;
}

struct partition_key {
  uuid topic_id;
  std::string topic;
  int32_t partition = 0;
  friend bool operator==(const partition_key&, const partition_key&) = default;
};

struct partition_key_hash {
  size_t operator()(const partition_key& key) const noexcept {
    return (std::hash<uuid>{}(key.topic_id)
             ^ std::hash<std::string>{}(key.topic))
             * 31u
           + static_cast<size_t>(key.partition);
  }
};

/// A partition that a session remembers, and what the client knows of it.
struct remembered {
  fetch_partition wanted;
  int64_t high_watermark = -1;
  int64_t log_start_offset = -1;
};

fetch_partition wanted_partition(const kafka::fetch_request::fetch_topic& topic,
  const kafka::fetch_request::fetch_partition& p) {
  return {topic.topic_id, topic.topic, p.partition, p.fetch_offset,
    p.log_start_offset, p.partition_max_bytes, p.current_leader_epoch,
    p.last_fetched_epoch};
}

partition_key key_of(const fetch_partition& p) {
  return {p.topic_id, p.topic, p.partition};
}

/// What is named twice keeps its place, and is wanted as it came last.
std::vector<fetch_partition> named_partitions(
  const kafka::fetch_request& request) {
  std::vector<fetch_partition> named;
  std::unordered_map<partition_key, size_t, partition_key_hash> places;
  for (const auto& topic : request.topics)
    for (const auto& p : topic.partitions) {
      auto wanted = wanted_partition(topic, p);
      const auto [at, fresh] = places.emplace(key_of(wanted), named.size());
      if (fresh)
        named.push_back(std::move(wanted));
      else
        named[at->second] = std::move(wanted);
    }
  return named;
}

bool is_follower(const kafka::fetch_request& request) {
  return request.replica_id >= 0 || request.replica_state.replica_id >= 0;
}

} // namespace

class fetch_session {
public:
  fetch_session(int32_t id, bool privileged, bool uses_ids, int64_t now_ms)
      : id(id), privileged(privileged), uses_ids(uses_ids), created_ms(now_ms),
        used_ms(now_ms) {}

  void set(fetch_partition wanted) {
    auto key = key_of(wanted);
    if (const auto at = by_key_.find(key); at != by_key_.end()) {
      at->second->wanted = std::move(wanted);
      return;
    }
    order_.push_back({std::move(wanted)});
    by_key_.emplace(std::move(key), std::prev(order_.end()));
  }

  void forget(const partition_key& key) {
    const auto at = by_key_.find(key);
    if (at == by_key_.end())
      return;
    order_.erase(at->second);
    by_key_.erase(at);
  }

  /// Null when it has been forgotten since.
  remembered* find(const partition_key& key) {
    const auto at = by_key_.find(key);
    return at == by_key_.end() ? nullptr : &*at->second;
  }

  /// It got records: the others come before it from now on.
  void move_to_end(const partition_key& key) {
    const auto at = by_key_.find(key);
    if (at != by_key_.end())
      order_.splice(order_.end(), order_, at->second);
  }

  std::vector<fetch_partition> wanted() const {
    std::vector<fetch_partition> all;
    all.reserve(order_.size());
    for (const auto& p : order_)
      all.push_back(p.wanted);
    return all;
  }

  size_t size() const {
    return order_.size();
  }

  const int32_t id;
  const bool privileged;
  const bool uses_ids;
  const int64_t created_ms;
  int64_t used_ms;
  int32_t next_epoch = 1;

private:
  std::list<remembered> order_;
  std::unordered_map<partition_key, std::list<remembered>::iterator,
    partition_key_hash>
    by_key_;
};

bool fetch_context::include(size_t i, const fetch_outcome& outcome) {
  MILLRACE_ASSERT(i < partitions_.size(), "an answer is about what was asked");
  if (session_ == nullptr)
    return true;
  const auto key = key_of(partitions_[i]);
  auto* known = session_->find(key);
  if (known == nullptr)
    return !incremental_;
  bool told = !incremental_ || outcome.has_records || outcome.has_news
              || outcome.error != kafka_error::none
              || known->high_watermark != outcome.high_watermark
              || known->log_start_offset != outcome.log_start_offset;
  known->high_watermark = outcome.high_watermark;
  known->log_start_offset = outcome.log_start_offset;
  // Errors are told always, and so is their end.
  if (outcome.error != kafka_error::none)
    known->high_watermark = -1;
  // The first answer of a session leaves the order as it was, as in Kafka.
  if (outcome.has_records && incremental_)
    session_->move_to_end(key);
  return told;
}

fetch_session_cache::fetch_session_cache(
  int32_t slots, std::function<uint64_t()> random, int64_t evict_after_ms)
    : slots_(slots), evict_after_ms_(evict_after_ms),
      random_(std::move(random)) {}

fetch_session_cache::~fetch_session_cache() = default;
fetch_session_cache::fetch_session_cache(fetch_session_cache&&) noexcept
  = default;
fetch_session_cache& fetch_session_cache::operator=(
  fetch_session_cache&&) noexcept
  = default;

fetch_context fetch_session_cache::begin(
  const kafka::fetch_request& request, int16_t version, int64_t now_ms) {
  if (request.session_epoch == final_epoch
      || request.session_epoch == initial_epoch) {
    // Either way the client is done with the session that it names.
    if (request.session_id != 0)
      sessions_.erase(request.session_id);
    return full(
      request, request.session_epoch == initial_epoch, version, now_ms);
  }
  return incremental(request, version, now_ms);
}

size_t fetch_session_cache::partition_count() const {
  size_t count = 0;
  for (const auto& [id, session] : sessions_)
    count += session->size();
  return count;
}

fetch_context fetch_session_cache::full(const kafka::fetch_request& request,
  bool want_session, int16_t version, int64_t now_ms) {
  fetch_context context;
  context.partitions_ = named_partitions(request);
  if (!want_session
      || !make_room(is_follower(request), context.partitions_.size(), now_ms))
    return context;
  context.session_ = std::make_shared<fetch_session>(
    new_id(), is_follower(request), version >= first_version_with_ids, now_ms);
  context.session_id_ = context.session_->id;
  for (const auto& p : context.partitions_)
    context.session_->set(p);
  sessions_.emplace(context.session_id_, context.session_);
  return context;
}

fetch_context fetch_session_cache::incremental(
  const kafka::fetch_request& request, int16_t version, int64_t now_ms) {
  fetch_context context;
  context.incremental_ = true;
  const auto at = sessions_.find(request.session_id);
  if (at == sessions_.end()) {
    context.error_ = kafka_error::fetch_session_id_not_found;
    return context;
  }
  const auto session = at->second;
  if (session->next_epoch != request.session_epoch) {
    context.error_ = kafka_error::invalid_fetch_session_epoch;
    return context;
  }
  // A session of names cannot go on with ids, nor the other way round.
  if (session->uses_ids != (version >= first_version_with_ids)) {
    context.error_ = kafka_error::fetch_session_topic_id_error;
    return context;
  }
  for (const auto& topic : request.topics)
    for (const auto& p : topic.partitions)
      session->set(wanted_partition(topic, p));
  for (const auto& topic : request.forgotten_topics_data)
    for (const auto partition : topic.partitions)
      session->forget({topic.topic_id, topic.topic, partition});
  session->used_ms = now_ms;
  if (session->size() == 0) {
    // Nothing left to remember, but what it names along is answered still.
    sessions_.erase(at);
    context.incremental_ = false;
    context.partitions_ = named_partitions(request);
    return context;
  }
  session->next_epoch = epoch_after(session->next_epoch);
  context.session_ = session;
  context.session_id_ = session->id;
  context.partitions_ = session->wanted();
  return context;
}

bool fetch_session_cache::make_room(
  bool privileged, size_t size, int64_t now_ms) {
  if (slots_ <= 0)
    return false;
  if (sessions_.size() < static_cast<size_t>(slots_))
    return true;
  // The longest unused, if it is stale. Else one that has had its time, of
  // lower rank: a consumer's before a follower's, a smaller before a bigger.
  auto oldest = sessions_.end();
  auto least = sessions_.end();
  const auto rank = [](const fetch_session& s) {
    return std::tuple{s.privileged, s.size(), s.created_ms, s.id};
  };
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    const auto& s = *at->second;
    if (oldest == sessions_.end()
        || std::tuple{s.used_ms, s.id}
             < std::tuple{oldest->second->used_ms, oldest->second->id})
      oldest = at;
    if (now_ms - s.created_ms >= evict_after_ms_
        && (least == sessions_.end() || rank(s) < rank(*least->second)))
      least = at;
  }
  auto victim = sessions_.end();
  if (now_ms - oldest->second->used_ms > evict_after_ms_)
    victim = oldest;
  else if (least != sessions_.end()
           && std::pair{least->second->privileged, least->second->size()}
                < std::pair{privileged, size})
    victim = least;
  if (victim == sessions_.end())
    return false;
  sessions_.erase(victim);
  ++evictions_;
  return true;
}

int32_t fetch_session_cache::new_id() {
  while (true) {
    const auto id = static_cast<int32_t>(random_() & 0x7fffffffu);
    if (id != 0 && sessions_.find(id) == sessions_.end())
      return id;
  }
}

} // namespace millrace
