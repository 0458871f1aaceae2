#include "actors/partition_role.hpp"

#include "actors/log.hpp"
#include "actors/partition_fetch.hpp"
#include "actors/partition_follower.hpp"
#include "actors/partition_leader.hpp"
#include "actors/partition_produce.hpp"
#include "actors/partition_questions.hpp"
#include "actors/partition_share.hpp"
#include "actors/partition_sync.hpp"
#include "actors/partition_throttle.hpp"
#include "actors/partition_transactions.hpp"
#include "schema/replica_codec.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

/// Ends the role: whoever waited for it hears that it is over, and what was
/// appended stays until the next leader says where the logs part.
void drop_role(self_pointer self) {
  auto& s = self->state;
  if (s.follow)
    use_pass(self, s.follow->pass, throttled_way::following, 0);
  for (auto& [id, v] : s.followers)
    use_pass(self, v.pass, throttled_way::leading, 0);
  if (s.leads()) {
    s.replicas.reset();
    s.followers.clear();
    s.cold_for_replicas.clear();
    s.proposal = 0;
    fail_held(self, kafka_error::not_leader_or_follower);
    fail_parked(self, kafka_error::not_leader_or_follower);
    fail_deletions(self, kafka_error::not_leader_or_follower);
    drop_shares(self);
  }
  wake_waiters(self);
  s.follow.reset();
}

} // namespace

void take_role(self_pointer self) {
  auto& s = self->state;
  const auto& now = s.options.registration;
  // What was cut before this broker registered was told with that; what was
  // cut since, the next registration tells.
  if (now.leader != no_node && s.opened_unregistered)
    if (auto forgotten = s.log->forget_cut(); !forgotten)
      log::warn("partition {}: that its log was cut stays noted: {}",
        to_string(s.options.name), to_string(forgotten.error()));
  if (now.leader == s.options.node)
    begin_leading(self);
  else if (now.leader != no_node)
    begin_following(self);
}

void on_assigned(self_pointer self, const partition_assigned& assigned) {
  auto& s = self->state;
  s.options.settings = assigned.settings;
  s.options.broker_epoch = assigned.broker_epoch;
  if (s.log != nullptr)
    s.log->configure(assigned.settings.log);
  if (s.leads())
    s.replicas->set_min_insync_replicas(assigned.settings.min_insync_replicas);
  const auto before = s.options.registration;
  const auto& now = assigned.registration;
  if (now.partition_epoch > before.partition_epoch)
    s.options.registration = now;
  if (s.closing != nullptr)
    return;
  if (s.log == nullptr) {
    // A partition that is alone waits until it is used.
    if (s.options.replicated())
      ensure_open(self);
    return;
  }
  const bool other_leadership
    = now.epoch > before.epoch || (!s.leads() && !s.follow);
  if (now.partition_epoch > before.partition_epoch && other_leadership) {
    drop_role(self);
    take_role(self);
  } else if (s.leads()) {
    on_isr_changed(self);
  } else if (s.follow) {
    on_leader_isr_changed(self);
  }
}

void on_replica(self_pointer self, const from_replica& in) {
  auto& s = self->state;
  if (s.closing != nullptr)
    return;
  const auto own = s.options.registration.epoch;
  const auto* fetch = std::get_if<replica_fetch>(&in.message.body);
  if (in.message.epoch > own) {
    // This node has yet to hear that it leads: nothing is lost by then.
    if (fetch != nullptr)
      s.early[in.node] = in.message;
    return;
  }
  if (in.message.epoch < own)
    return;
  if (fetch != nullptr) {
    if (s.leads())
      on_replica_fetch(self, in.node, *fetch);
  } else if (s.follow && in.node == s.options.registration.leader) {
    if (const auto* answer = std::get_if<replica_answer>(&in.message.body))
      on_replica_answer(self, *answer);
    else
      on_nudge(self);
  }
}

void on_turn(self_pointer self, const throttle_turn& turn) {
  auto& s = self->state;
  const bool alive
    = s.closing == nullptr && s.log != nullptr && !s.log->offline();
  const bool ships = turn.way == throttled_way::leading;
  if (alive && ships && s.leads())
    on_shipping_turn(self, turn);
  else if (alive && !ships && s.follow)
    on_asking_turn(self, turn);
  else
    give_back(self, turn);
}

void arm_replica_timer(self_pointer self, int64_t at_ms) {
  auto& s = self->state;
  if (s.replica_timer_at_ms != 0 && s.replica_timer_at_ms <= at_ms)
    return;
  s.replica_timer_at_ms = std::max<int64_t>(at_ms, 1);
  const auto wait = std::max<int64_t>(at_ms - monotonic_ms(*self), 0) + 1;
  self->delayed_send(self, std::chrono::milliseconds{wait},
    replica_timer{++s.replica_timer_generation});
}

void on_replica_timer(self_pointer self, const replica_timer& timer) {
  auto& s = self->state;
  if (timer.generation != s.replica_timer_generation)
    return; // an earlier one has been set since
  s.replica_timer_at_ms = 0;
  if (s.closing != nullptr || s.log == nullptr || s.log->offline())
    return;
  if (s.leads())
    look_after_followers(self);
  else if (s.follow)
    look_after_leader(self);
}

void on_link_up(self_pointer self, node_id node) {
  auto& s = self->state;
  if (s.closing == nullptr && s.follow && s.options.registration.leader == node)
    on_nudge(self);
}

void say(self_pointer self, node_id to, replica_body body) {
  const auto& o = self->state.options;
  MILLRACE_ASSERT(o.link != nullptr, "replicas of other nodes are linked");
  o.link->send(to, encode(replica_message{o.topic_id, o.name.partition,
                     o.registration.epoch, std::move(body)}));
}

} // namespace millrace
