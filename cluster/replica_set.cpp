#include "cluster/replica_set.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

bool contains(const std::vector<node_id>& nodes, node_id id) {
  return std::find(nodes.begin(), nodes.end(), id) != nodes.end();
}

} // namespace

replica_set::replica_set(node_id self, const partition_registration& partition,
  int32_t min_insync_replicas, offset high_watermark)
    : self_(self), partition_(partition),
      min_insync_replicas_(min_insync_replicas),
      high_watermark_(high_watermark) {
  for (const auto id : partition.replicas)
    replicas_[id] = {};
}

void replica_set::become_leader(const partition_registration& partition,
  offset log_end, offset durable_end, int64_t now_ms) {
  MILLRACE_ASSERT(
    partition.leader == self_, "only the one that was chosen leads");
  MILLRACE_ASSERT(
    partition.epoch >= partition_.epoch, "a new leadership has a new epoch");
  MILLRACE_ASSERT(durable_end <= log_end, "what is on disk was appended");
  partition_ = partition;
  epoch_start_ = log_end;
  proposed_.clear();
  replicas_.clear();
  for (const auto id : partition.replicas)
    replicas_[id] = {offset{-1}, offset{-1}, -1, now_ms};
  replicas_[self_] = {log_end, durable_end, -1, now_ms};
  advance();
}

bool replica_set::on_partition_changed(
  const partition_registration& partition) {
  MILLRACE_ASSERT(partition.epoch == partition_.epoch,
    "another leadership begins with become_leader()");
  if (partition.partition_epoch < partition_.partition_epoch)
    return false;
  partition_ = partition;
  proposed_.clear();
  std::erase_if(replicas_, [&partition](const auto& entry) {
    return !contains(partition.replicas, entry.first);
  });
  for (const auto id : partition.replicas)
    replicas_.try_emplace(id);
  return advance();
}

bool replica_set::set_min_insync_replicas(int32_t count) {
  min_insync_replicas_ = count;
  return advance();
}

bool replica_set::on_local(offset appended, offset durable, int64_t now_ms) {
  auto& own = replicas_[self_];
  MILLRACE_ASSERT(appended >= own.appended && durable >= own.durable,
    "a leader's log only grows");
  MILLRACE_ASSERT(durable <= appended, "what is on disk was appended");
  own.appended = appended;
  own.durable = durable;
  own.caught_up_ms = now_ms;
  return advance();
}

bool replica_set::on_fetch(node_id id, offset appended, offset durable,
  int64_t broker_epoch, int64_t now_ms) {
  const auto at = replicas_.find(id);
  if (at == replicas_.end() || id == self_ || durable > appended)
    return false;
  auto& replica = at->second;
  // A restarted follower may tell less than before: its word counts.
  replica.appended = appended;
  replica.durable = durable;
  replica.broker_epoch = broker_epoch;
  if (durable >= replicas_[self_].appended)
    replica.caught_up_ms = now_ms;
  return advance();
}

bool replica_set::has_enough_replicas() const {
  return partition_.isr.size()
         >= static_cast<size_t>(std::max(min_insync_replicas_, 1));
}

acks_state replica_set::acks_all(offset end) const {
  if (high_watermark_ >= end)
    return acks_state::done;
  return has_enough_replicas() ? acks_state::waiting
                               : acks_state::too_few_replicas;
}

bool replica_set::advance() {
  // R4: not for any acks while too few are in sync.
  if (!has_enough_replicas())
    return false;
  // R2: the maximal ISR, committed or proposed; a member that has not been
  // heard of in this epoch holds it back.
  std::optional<offset> lowest;
  const auto take = [&](node_id id) {
    const auto at = replicas_.find(id);
    const auto durable
      = at == replicas_.end() ? offset{-1} : at->second.durable;
    if (!lowest || durable < *lowest)
      lowest = durable;
  };
  for (const auto id : partition_.isr)
    take(id);
  for (const auto id : proposed_)
    take(id);
  if (!lowest || *lowest <= high_watermark_)
    return false;
  high_watermark_ = *lowest;
  return true;
}

std::optional<std::vector<node_id>> replica_set::propose_isr(
  int64_t now_ms, int64_t lag_ms_max) {
  if (!proposed_.empty())
    return std::nullopt;
  std::vector<node_id> isr;
  for (const auto id : partition_.replicas) {
    const auto& replica = replicas_[id];
    const bool is_member = contains(partition_.isr, id);
    if (id == self_
        || (is_member && now_ms - replica.caught_up_ms <= lag_ms_max)
        // R3: on disk up to the high watermark and this epoch's beginning.
        || (!is_member && replica.durable >= high_watermark_
            && replica.durable >= epoch_start_))
      isr.push_back(id);
  }
  auto before = partition_.isr;
  auto after = isr;
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  if (before == after)
    return std::nullopt;
  proposed_ = isr;
  return isr;
}

void replica_set::on_proposal_failed() {
  proposed_.clear();
  advance();
}

} // namespace millrace
