// The parts of transaction_registry that tell what is there (KIP-664), and
// that forget the ids which nobody uses.

#include "cluster/group_answers.hpp"
#include "cluster/transaction_registry.hpp"

#include <algorithm>

namespace millrace {

namespace {

// How many records one turn may write; the next one goes on from there.
constexpr size_t expired_records_max = 1'000;

} // namespace

kafka::describe_transactions_response transaction_registry::describe(
  const kafka::describe_transactions_request& request) const {
  kafka::describe_transactions_response answer;
  for (const auto& id : request.transactional_ids) {
    auto& out = answer.transaction_states.emplace_back();
    out.transactional_id = id;
    const auto* state = find(id);
    if (state == nullptr || !state->value()) {
      out.error_code
        = code_of(id.empty() ? kafka_error::invalid_request
                             : kafka_error::transactional_id_not_found);
      continue;
    }
    const auto& value = *state->value();
    out.transaction_state = to_string(value.phase);
    out.transaction_timeout_ms = value.timeout_ms;
    out.transaction_start_time_ms = value.started_ms;
    out.producer_id = value.id.value;
    out.producer_epoch = value.epoch;
    // The set is ordered by topic.
    for (const auto& [topic, partition] : value.partitions) {
      if (out.topics.empty() || out.topics.back().topic != topic)
        out.topics.push_back({topic, {}});
      out.topics.back().partitions.push_back(partition);
    }
  }
  return answer;
}

kafka::list_transactions_response transaction_registry::list(
  const kafka::list_transactions_request& request, int64_t wall_ms,
  const std::function<bool(std::string_view)>& matches) const {
  kafka::list_transactions_response answer;
  std::set<transaction_phase> phases;
  for (const auto& name : request.state_filters)
    if (const auto phase = parse_transaction_phase(name))
      phases.insert(*phase);
    else
      answer.unknown_state_filters.push_back(name);
  const auto& producers = request.producer_id_filters;
  for (const auto& [id, e] : entries_) {
    if (!e.state.value())
      continue;
    const auto& value = *e.state.value();
    if (!request.state_filters.empty() && !phases.contains(value.phase))
      continue;
    if (!producers.empty()
        && std::find(producers.begin(), producers.end(), value.id.value)
             == producers.end())
      continue;
    if (request.duration_filter >= 0
        && wall_ms - value.started_ms <= request.duration_filter)
      continue;
    if (matches && !matches(id))
      continue;
    answer.transaction_states.push_back(
      {id, value.id.value, to_string(value.phase)});
  }
  return answer;
}

void transaction_registry::expire_ids(turn& t) {
  // R19: a jump of the wall clock that the monotonic one did not see must not
  // delete anything.
  const auto wall_ms
    = std::min(t.wall_ms, loaded_wall_ms_ + (t.now_ms - loaded_now_ms_)
                            + config_.wall_clock_gain_ms_max);
  auto it = entries_.upper_bound(expiry_cursor_);
  for (; it != entries_.end(); ++it) {
    if (t.records.size() >= expired_records_max) {
      expiry_due_ms_ = t.now_ms;
      return;
    }
    expiry_cursor_ = it->first;
    if (it->second.state.value())
      append(
        t, it->second.state.decide_expiry(wall_ms, config_.id_expiration_ms));
  }
  expiry_cursor_.clear();
  expiry_due_ms_ = t.now_ms + config_.expiry_check_interval_ms;
}

} // namespace millrace
