#include "cluster/replica_set.hpp"

#include "cluster/partition_settling.hpp"
#include "schema/assert.hpp"
#include "schema/planted_bug.hpp"

#include <algorithm>

namespace millrace {

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
  in_flight_ = unsettled_ = lets_nobody_in_ = false;
  possible_.clear();
  replicas_.clear();
  for (const auto id : partition.replicas)
    replicas_[id] = {offset{-1}, offset{-1}, -1, now_ms, log_end, now_ms};
  replicas_[self_] = {log_end, durable_end, -1, now_ms, log_end, now_ms};
  advance();
}

bool replica_set::on_partition_changed(
  const partition_registration& partition) {
  MILLRACE_ASSERT(partition.epoch == partition_.epoch,
    "another leadership begins with become_leader()");
  if (partition.partition_epoch <= partition_.partition_epoch)
    return false;
  partition_ = partition;
  in_flight_ = unsettled_ = lets_nobody_in_ = false;
  possible_.clear();
  std::erase_if(replicas_, [this, &partition](const auto& entry) {
    return entry.first != self_ && !has_node(partition.replicas, entry.first);
  });
  for (const auto id : partition.replicas)
    replicas_.try_emplace(id);
  for (auto& [id, replica] : replicas_)
    replica.fresh = replica.fresh && has_node(partition.isr, id);
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
  if (appended > own.appended)
    // Who had everything until now lags from now on, however long the
    // partition was idle before.
    for (auto& [id, replica] : replicas_)
      if (replica.durable >= own.appended)
        replica.caught_up_ms = now_ms;
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
  replica.fresh = true;
  const auto end = replicas_[self_].appended;
  if (durable >= end) {
    replica.caught_up_ms = now_ms;
  } else if (durable >= replica.mark) {
    // While there is always more, it keeps up if it has what there was when
    // it was last looked at.
    replica.caught_up_ms = std::max(replica.caught_up_ms, replica.mark_ms);
    replica.mark = end;
    replica.mark_ms = now_ms;
  }
  return advance();
}

bool replica_set::is_behind(node_id id) const {
  const auto at = replicas_.find(id);
  const auto own = replicas_.find(self_);
  return at != replicas_.end() && own != replicas_.end()
         && at->second.durable < own->second.appended;
}

bool replica_set::has_enough_replicas() const {
  // The controller, which may be configured otherwise, counts on eligible
  // replicas to have all that is committed (KIP-966).
  return partition_.eligible.empty()
         && partition_.isr.size()
              >= static_cast<size_t>(std::max(min_insync_replicas_, 1));
}

acks_state replica_set::acks_all(offset end) const {
  if (high_watermark_ >= end)
    return acks_state::done;
  return has_enough_replicas() ? acks_state::waiting
                               : acks_state::too_few_replicas;
}

bool replica_set::advance() {
  // The controller may compare their logs as they were when it noted them
  // (R10): until it has let them go, nothing is added to what they must have.
  if (!partition_.cut_short.empty())
    return false;
  // R4: not for any acks while too few are in sync.
  if (!has_enough_replicas() && !planted(bug::replica_ignores_min_isr))
    return false;
  // R2: the maximal ISR, committed or proposed; a member that has not been
  // heard of in this epoch holds it back.
  std::optional<offset> lowest;
  const auto take = [&](node_id id) {
    if (id != self_ && planted(bug::replica_ignores_followers))
      return;
    const auto at = replicas_.find(id);
    const auto durable
      = at == replicas_.end() ? offset{-1} : at->second.durable;
    if (!lowest || durable < *lowest)
      lowest = durable;
  };
  for (const auto id : partition_.isr)
    take(id);
  for (const auto id : possible_)
    take(id);
  if (!lowest || *lowest <= high_watermark_)
    return false;
  high_watermark_ = *lowest;
  return true;
}

bool replica_set::belongs(node_id id, const replica& replica, bool is_member,
  int64_t now_ms, int64_t lag_ms_max) const {
  if (id == self_)
    return true;
  const bool heard_of = replica.durable.value >= 0;
  if (is_member && find_cut(partition_, id) == nullptr)
    // One that tells that it lost what was committed is out at once (R10).
    return (!is_behind(id) || now_ms - replica.caught_up_ms <= lag_ms_max)
           && (!heard_of || replica.durable >= high_watermark_);
  if (planted(bug::replica_joins_too_early))
    return heard_of;
  // R3: on disk up to the high watermark and this epoch's beginning. The same
  // of a member whose log was cut (R10): this leader's high watermark may be
  // older than what it lacks.
  return replica.fresh && replica.durable >= high_watermark_
         && replica.durable >= epoch_start_;
}

std::optional<std::vector<node_id>> replica_set::propose_isr(
  int64_t now_ms, int64_t lag_ms_max) {
  if (in_flight_)
    return std::nullopt;
  std::vector<node_id> isr;
  bool same = true;
  for (const auto id : partition_.replicas) {
    const bool is_member = has_node(partition_.isr, id);
    const bool stays
      = (is_member || !lets_nobody_in_)
        && belongs(id, replicas_[id], is_member, now_ms, lag_ms_max);
    if (stays)
      isr.push_back(id);
    same = same && stays == is_member;
  }
  if (same && !unsettled_)
    return std::nullopt;
  in_flight_ = true;
  if (planted(bug::replica_shrinks_uncommitted))
    partition_.isr = isr;
  possible_.insert(isr.begin(), isr.end());
  return isr;
}

std::optional<std::vector<node_id>> replica_set::propose_to_leave() {
  if (in_flight_)
    return std::nullopt;
  auto isr = partition_.isr;
  std::erase(isr, self_);
  if (isr.empty())
    return std::nullopt;
  in_flight_ = true;
  return isr;
}

void replica_set::on_proposal_lost() {
  in_flight_ = false;
  unsettled_ = true;
}

void replica_set::on_proposal_refused() {
  on_proposal_lost();
  lets_nobody_in_ = true;
  for (auto& [id, replica] : replicas_)
    replica.fresh = replica.fresh && has_node(partition_.isr, id);
}

} // namespace millrace
