#include "simulation/share_invariants.hpp"

#include "actors/broker.hpp"
#include "actors/partition_share.hpp"
#include "actors/share_coordinator.hpp"
#include "cluster/metadata_image.hpp"
#include "simulation/actor_state.hpp"

namespace millrace {

void share_invariants::fail(
  int32_t node, const share_partition_key& key, std::string what) {
  if (violation_.empty())
    violation_ = std::move(what) + " (" + to_string(key) + ", node "
                 + std::to_string(node + 1) + ", "
                 + std::to_string(cluster_.world().now() / sim_ms) + " ms)";
}

void share_invariants::forget(int32_t node) {
  seats_.erase(node);
  names_.erase(node);
}

void share_invariants::check(int32_t node, caf::actor_id actor) {
  if (!cluster_.node(node).running())
    return;
  const auto* broker
    = state_of<broker_state>(cluster_.node(node).core().broker);
  if (broker == nullptr)
    return;
  auto& names = names_[node];
  if (cluster_.node(node).core().broker->id() == actor) {
    learn(names, *broker);
    return;
  }
  if (const auto at = names.coordinators.find(actor);
    at != names.coordinators.end()) {
    const auto c = broker->coordinators.find(at->second);
    if (c == broker->coordinators.end() || c->second.actor == nullptr
        || c->second.actor->id() != actor)
      return; // it ends
    const auto* state = state_of<share_coordinator_state>(
      caf::actor_cast<share_coordinator_actor>(c->second.actor));
    if (state != nullptr && state->loaded)
      check_coordinator(node, *state, c->second.epoch.value);
  } else if (const auto of = names.replicas.find(actor);
    of != names.replicas.end()) {
    const auto r = broker->replicas.find(of->second);
    if (r == broker->replicas.end() || r->second.actor == nullptr
        || r->second.actor->id() != actor)
      return;
    const auto* state = state_of<partition_state>(r->second.actor);
    if (state == nullptr || !state->leads())
      return;
    for (const auto& [group, seat] : state->shares)
      if (seat->core)
        check_seat(node, actor, {group, r->second.topic_id, r->first.partition},
          *seat->core, state->options.registration.epoch.value);
  }
}

void share_invariants::learn(actor_names& names, const broker_state& broker) {
  names = {};
  for (const auto& [name, replica] : broker.replicas)
    if (replica.actor != nullptr)
      names.replicas.emplace(replica.actor->id(), name);
  for (const auto& [name, c] : broker.coordinators)
    if (c.actor != nullptr && name.topic == share_states_topic_name)
      names.coordinators.emplace(c.actor->id(), name);
}

void share_invariants::check_seat(int32_t node, caf::actor_id actor,
  const share_partition_key& key, const share_partition& core, int32_t epoch) {
  auto& seen = seats_[node][{actor, key}];
  durable_.try_emplace(key);
  if (seen.epoch != epoch)
    seen = {epoch, core.start().value, {}};
  if (core.start().value < seen.start)
    fail(node, key,
      "the start of a share partition never goes back: from "
        + std::to_string(seen.start) + " to "
        + std::to_string(core.start().value));
  seen.start = core.start().value;
  if (auto& leader = leaders_[key]; epoch >= leader.epoch)
    leader = {epoch, core.start().value};
  check_deliveries(node, key, seen, core);
}

void share_invariants::check_deliveries(int32_t node,
  const share_partition_key& key, seat_view& seen,
  const share_partition& core) {
  const auto most = core.limits().delivery_count_max;
  std::map<int64_t, std::pair<int64_t, int16_t>> now;
  auto before = seen.deliveries.begin();
  for (const auto& [first, held] : core.window().all()) {
    const auto& run = held.run;
    if (run.gone)
      continue;
    now.emplace_hint(now.end(), first, std::pair{held.last, run.deliveries});
    if (run.deliveries > most)
      fail(node, key,
        "a record is delivered as often as may be: offset "
          + std::to_string(first) + " " + std::to_string(run.deliveries)
          + " times");
    if (run.deliveries >= most && on_exhausted)
      on_exhausted(key, first, held.last);
    while (before != seen.deliveries.end() && before->second.first < first)
      ++before;
    for (auto at = before;
      at != seen.deliveries.end() && at->first <= held.last; ++at)
      if (run.deliveries < at->second.second)
        fail(node, key,
          "a leader counts deliveries upwards: offset "
            + std::to_string(std::max(first, at->first)) + " from "
            + std::to_string(at->second.second) + " to "
            + std::to_string(run.deliveries));
  }
  seen.deliveries = std::move(now);
}

/// Only to where its leader is, which had no answer to what it said before:
/// that was accepted, perhaps, and nobody was told so.
bool share_invariants::may_go_back(
  const share_partition_key& key, const share_partition_progress& to) const {
  const auto leader = leaders_.find(key);
  return leader != leaders_.end() && leader->second.epoch == to.leader_epoch()
         && leader->second.start <= to.start().value;
}

void share_invariants::check_coordinator(
  int32_t node, const share_coordinator_state& state, int32_t epoch) {
  for (auto& [key, seen] : durable_) {
    const auto* now = state.states->find_committed(key);
    const bool is_known = seen.by >= 0;
    if (epoch < seen.by || (is_known && seen.at != state.options.partition))
      continue;
    if (now == nullptr) {
      if (is_known)
        fail(
          node, key, "what is durable of a share partition stays: it is gone");
      continue;
    }
    if (now->start().value < seen.start && !may_go_back(key, *now))
      fail(node, key,
        "what is durable of a share partition never goes back: its start from "
          + std::to_string(seen.start) + " to "
          + std::to_string(now->start().value));
    if (now->leader_epoch() < seen.leader_epoch)
      fail(node, key,
        "a leader that is fenced stays fenced: from epoch "
          + std::to_string(seen.leader_epoch) + " to "
          + std::to_string(now->leader_epoch()));
    seen = {
      state.options.partition, epoch, now->start().value, now->leader_epoch()};
  }
}

} // namespace millrace
