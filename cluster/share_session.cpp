#include "cluster/share_session.hpp"

#include <algorithm>

namespace millrace {

namespace {

using partitions = std::vector<share_session_partition>;

int32_t epoch_after(int32_t epoch) {
  return epoch == INT32_MAX ? 1 : epoch + 1;
}

bool holds(const partitions& all, const share_session_partition& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

void add(partitions& all, std::span<const share_session_partition> named) {
  for (const auto& one : named)
    if (!holds(all, one))
      all.push_back(one);
}

} // namespace

share_fetch_plan share_session_cache::begin_session(
  const share_session_key& key, const fetch& request) {
  share_fetch_plan plan;
  if (request.acknowledges) {
    plan.error = kafka_error::invalid_request;
    return plan;
  }
  sessions_.erase(key); // the member is done with that one
  if (sessions_.size() >= slots_) {
    plan.error = kafka_error::share_session_limit_reached;
    return plan;
  }
  auto& s = sessions_[key];
  s.connection = request.connection;
  add(s.partitions, request.named);
  plan.partitions = s.partitions;
  return plan;
}

share_fetch_plan share_session_cache::begin_fetch(
  const share_session_key& key, const fetch& request) {
  if (request.epoch == share_session_begins)
    return begin_session(key, request);
  share_fetch_plan plan;
  const auto at = sessions_.find(key);
  if (at == sessions_.end()) {
    plan.error = kafka_error::share_session_not_found;
    return plan;
  }
  auto& s = at->second;
  if (request.epoch == share_session_ends) {
    plan.ends = true;
    return plan;
  }
  if (request.epoch != s.next_epoch) {
    plan.error = kafka_error::invalid_share_session_epoch;
    return plan;
  }
  add(s.partitions, request.named);
  for (const auto& one : request.forgotten)
    if (std::erase(s.partitions, one) > 0 && !holds(s.forgotten, one))
      s.forgotten.push_back(one);
  plan.partitions = s.partitions;
  if (!plan.partitions.empty())
    std::rotate(plan.partitions.begin(),
      plan.partitions.begin()
        + s.next_epoch % static_cast<int32_t>(plan.partitions.size()),
      plan.partitions.end());
  s.connection = request.connection;
  s.next_epoch = epoch_after(s.next_epoch);
  return plan;
}

kafka_error share_session_cache::begin_acknowledge(
  const share_session_key& key, int32_t epoch) {
  if (epoch == share_session_begins)
    return kafka_error::invalid_share_session_epoch;
  const auto at = sessions_.find(key);
  if (at == sessions_.end())
    return kafka_error::share_session_not_found;
  if (epoch == share_session_ends)
    return kafka_error::none;
  auto& s = at->second;
  if (epoch != s.next_epoch)
    return kafka_error::invalid_share_session_epoch;
  s.next_epoch = epoch_after(s.next_epoch);
  return kafka_error::none;
}

share_session_cache::ended share_session_cache::all_of(
  const share_session_key& key, const session& s) {
  ended e{key, s.partitions};
  add(e.partitions, s.forgotten);
  return e;
}

std::optional<share_session_cache::ended> share_session_cache::end(
  const share_session_key& key) {
  const auto at = sessions_.find(key);
  if (at == sessions_.end())
    return std::nullopt;
  auto e = all_of(key, at->second);
  sessions_.erase(at);
  return e;
}

std::vector<share_session_cache::ended> share_session_cache::end_all_of(
  uint64_t connection) {
  std::vector<ended> all;
  for (const auto& [key, s] : sessions_)
    if (s.connection == connection)
      all.push_back(all_of(key, s));
  for (const auto& e : all)
    sessions_.erase(e.key);
  return all;
}

} // namespace millrace
