#include "cluster/transaction_checks.hpp"

#include <algorithm>

namespace millrace {

void transaction_checks::add(
  uint64_t token, transaction_check asked, int64_t now_ms) {
  auto& s = states_[{
    std::move(asked.transactional_id), asked.id, asked.epoch, asked.adds}];
  for (auto& partition : asked.partitions)
    s.waiting.push_back({token, std::move(partition), now_ms});
}

std::vector<transaction_checks::request> transaction_checks::take_due(
  int64_t now_ms) {
  std::vector<request> all;
  for (auto& [which, s] : states_) {
    if (s.request != 0 || s.waiting.empty() || s.due_ms > now_ms)
      continue;
    s.asked = std::exchange(s.waiting, {});
    s.request = next_id_++;
    s.due_ms = now_ms + options_.answer_ms;
    requests_[s.request] = which;
    auto& r = all.emplace_back();
    r.id = s.request;
    r.check = {which.transactional_id, which.id, which.epoch, which.adds, {}};
    for (const auto& q : s.asked)
      r.check.partitions.push_back(q.partition);
  }
  return all;
}

bool transaction_checks::asks_again(const about& which, const question& q,
  kafka_error error, int64_t now_ms) const {
  return which.adds && error == kafka_error::concurrent_transactions
         && now_ms - q.since_ms < options_.retry_ms_max;
}

transaction_checks::answers transaction_checks::end_request(
  state_map::iterator at, std::span<const kafka_error> errors, int64_t now_ms) {
  answers out;
  auto& [which, s] = *at;
  requests_.erase(std::exchange(s.request, 0));
  s.due_ms = 0;
  const auto asked = std::exchange(s.asked, {});
  std::vector<question> again;
  for (size_t i = 0; i < asked.size(); ++i) {
    const auto error
      = i < errors.size() ? errors[i] : kafka_error::unknown_server_error;
    if (asks_again(which, asked[i], error, now_ms))
      again.push_back(asked[i]);
    else
      out.emplace_back(asked[i].token, error);
  }
  if (!again.empty()) {
    s.due_ms = now_ms + options_.retry_ms;
    s.waiting.insert(s.waiting.begin(), again.begin(), again.end());
  }
  if (s.waiting.empty())
    states_.erase(at);
  return out;
}

transaction_checks::answers transaction_checks::on_answer(
  uint64_t id, std::span<const kafka_error> errors, int64_t now_ms) {
  const auto found = requests_.find(id);
  if (found == requests_.end())
    return {}; // too late
  return end_request(states_.find(found->second), errors, now_ms);
}

transaction_checks::answers transaction_checks::fail(
  uint64_t id, kafka_error error) {
  const auto found = requests_.find(id);
  if (found == requests_.end())
    return {};
  const auto at = states_.find(found->second);
  const std::vector<kafka_error> all(at->second.asked.size(), error);
  // Nothing but an answer is a reason to ask again.
  return end_request(at, all, INT64_MAX / 2);
}

transaction_checks::answers transaction_checks::take_late(int64_t now_ms) {
  answers out;
  for (const auto& [id, which] : std::map{requests_})
    if (states_.at(which).due_ms <= now_ms)
      for (const auto& answer : fail(id, kafka_error::network_exception))
        out.push_back(answer);
  return out;
}

std::optional<int64_t> transaction_checks::next_deadline() const {
  std::optional<int64_t> next;
  for (const auto& [which, s] : states_)
    next = std::min(next.value_or(INT64_MAX), s.due_ms);
  return next;
}

} // namespace millrace
