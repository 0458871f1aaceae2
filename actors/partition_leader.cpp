#include "actors/partition_leader.hpp"

#include "actors/log.hpp"
#include "actors/partition_damage.hpp"
#include "actors/partition_fetch.hpp"
#include "actors/partition_produce.hpp"
#include "actors/partition_role.hpp"
#include "actors/partition_sync.hpp"
#include "actors/partition_throttle.hpp"
#include "actors/tell.hpp"
#include "cluster/partition_settling.hpp"
#include "schema/planted_bug.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

/// A follower that is behind is silent for so long before it is nudged; then
/// for twice as long, up to the maximum: it may be gone for days.
constexpr int64_t first_patience_ms = 250;
constexpr int64_t longest_patience_ms = 30'000;
/// The controller answers, or a proposal counts as lost.
constexpr int64_t proposal_timeout_ms = 3000;
/// After a refusal: the metadata that explains it is on its way. Then for
/// twice as long, up to the maximum: a fenced broker may stay so.
constexpr int64_t first_proposal_pause_ms = 50;
constexpr int64_t longest_proposal_pause_ms = 2000;

/// Where the follower's log and this one part; nullopt if the follower's is
/// the begin of this one (KIP-101, KIP-279, KIP-320).
std::optional<replica_divergence> divergence(
  const partition_state& s, const replica_fetch& fetch) {
  const auto end = s.log->log_end_offset();
  if (fetch.last_epoch == no_leader_epoch) {
    if (fetch.appended <= end)
      return std::nullopt;
    return replica_divergence{no_leader_epoch, end};
  }
  const auto known = s.log->end_offset_for(fetch.last_epoch);
  if (known.epoch == fetch.last_epoch && fetch.appended <= known.end)
    return std::nullopt;
  return replica_divergence{
    known.epoch, known.end.value >= 0 ? known.end : s.log->log_start_offset()};
}

replica_answer answer_head(const partition_state& s, const follower_view& v) {
  return {.number = v.fetch_number,
    .high_watermark = s.high_watermark,
    .log_start = s.log->log_start_offset()};
}

void note_told(const partition_state& s, follower_view& v) {
  v.told_high_watermark = s.high_watermark;
  v.told_log_start = s.log->log_start_offset();
}

/// False if they have to be read from the disk first, which is begun.
bool are_in_memory(self_pointer self, node_id id, follower_view& v) {
  auto& s = self->state;
  // What has just been written is there.
  if (v.next >= s.log->durable_end_offset())
    return true;
  auto found = s.log->read(
    v.next, s.log->log_end_offset(), static_cast<size_t>(v.bytes_max), true);
  if (!found || !is_cold(found->slices))
    return true;
  v.reading = true;
  const auto ticket = ++s.next_cold;
  s.cold_for_replicas[ticket] = id;
  tell(self, s.options.disk, warm_ask{ticket, std::move(found->slices)});
  return false;
}

/// Ships what comes next to a follower that lacks it.
void ship(self_pointer self, node_id id, follower_view& v) {
  auto& s = self->state;
  auto answer = answer_head(s, v);
  answer.final = true;
  int64_t bytes = 0;
  // Below the log's start it has to begin again there, and the answer's log
  // start says so.
  if (v.next >= s.log->log_start_offset()) {
    auto batches = s.log->read_bytes(
      v.next, s.log->log_end_offset(), static_cast<size_t>(v.bytes_max), true);
    if (!batches) {
      if (s.may_complain(monotonic_ms(*self)))
        log::error("partition {} cannot give node {} what follows {}: {}",
          to_string(s.options.name), id.value, v.next.value,
          to_string(batches.error()));
      look_for_damage(self, v.next);
      return;
    }
    answer.batches = std::move(*batches);
    answer.waited_for = is_waited_for(s);
    bytes = static_cast<int64_t>(answer.batches.size());
  }
  use_pass(self, v.pass, throttled_way::leading, bytes);
  v.waits = false;
  note_told(s, v);
  say(self, id, std::move(answer));
}

/// Who is in sync is never made to wait (KIP-73): producers wait for it.
bool is_throttled(const partition_state& s, node_id id) {
  return s.options.settings.throttled_leading && s.options.throttle != nullptr
         && !has_node(s.options.registration.isr, id);
}

/// Whether it waits for the throttle, and so for nothing that it could say.
bool is_held_up(const partition_state& s, node_id id, const follower_view& v) {
  return v.waits && v.pass.asked && is_throttled(s, id);
}

bool may_ship(self_pointer self, node_id id, follower_view& v) {
  return !is_throttled(self->state, id)
         || may_pass(self, v.pass, throttled_way::leading,
           static_cast<uint64_t>(id.value), v.bytes_max);
}

void serve(self_pointer self, node_id id, follower_view& v) {
  auto& s = self->state;
  if (!v.waits || v.reading)
    return;
  if (v.next < s.log->log_end_offset()) {
    if (may_ship(self, id, v) && are_in_memory(self, id, v))
      ship(self, id, v);
  } else if (v.told_high_watermark < s.high_watermark
             || v.told_log_start < s.log->log_start_offset()) {
    note_told(s, v);
    say(self, id, answer_head(s, v));
  }
}

/// Takes the follower's positions into account.
void note_position(
  self_pointer self, node_id from, const replica_fetch& fetch) {
  auto& s = self->state;
  s.followers.at(from).log_start = fetch.log_start;
  const auto durable
    = planted(bug::replica_counts_appended) ? fetch.appended : fetch.durable;
  if (s.replicas->on_fetch(
        from, fetch.appended, durable, fetch.broker_epoch, monotonic_ms(*self)))
    advance(self);
}

void propose(self_pointer self, const std::vector<node_id>& isr) {
  auto& s = self->state;
  change_isr change{.leader = s.options.node,
    .broker_epoch = s.options.broker_epoch,
    .topic = s.options.topic_id,
    .partition = s.options.name.partition,
    .epoch = s.options.registration.epoch,
    .partition_epoch = s.options.registration.partition_epoch,
    .isr = {}};
  for (const auto id : isr)
    change.isr.push_back(
      {id, id == s.options.node ? s.options.broker_epoch
                                : s.replicas->replicas().at(id).broker_epoch});
  s.proposal_over_ms = monotonic_ms(*self) + proposal_timeout_ms;
  tell(
    self, s.options.controller, admin_ask{++s.proposal, 0, std::move(change)});
}

void consider_isr(self_pointer self) {
  auto& s = self->state;
  const auto now = monotonic_ms(*self);
  if (s.replicas->is_proposing() && now >= s.proposal_over_ms)
    s.replicas->on_proposal_lost();
  if (now < s.next_proposal_ms)
    return;
  std::optional<std::vector<node_id>> isr;
  if (s.log->first_lost() && !planted(bug::replica_leads_damaged))
    isr = s.replicas->propose_to_leave();
  // Alone it stays: what it can read nobody else has.
  if (!isr)
    isr = s.replicas->propose_isr(now, s.options.settings.replica_lag_ms_max);
  if (isr)
    propose(self, *isr);
}

/// Whether the controller has said for sure that nothing changes.
bool is_refusal(kafka_error error) {
  switch (error) {
  case kafka_error::fenced_leader_epoch:
  case kafka_error::ineligible_replica:
  case kafka_error::invalid_request:
  case kafka_error::stale_broker_epoch:
  case kafka_error::unknown_topic_id:
  case kafka_error::unknown_topic_or_partition:
    return true;
  default:
    // INVALID_UPDATE_VERSION too: what was proposed may be what changed it.
    return false;
  }
}

/// When to look again; INT64_MAX: not before something happens.
int64_t next_look_ms(const partition_state& s, int64_t now) {
  int64_t at = s.next_proposal_ms > now ? s.next_proposal_ms : INT64_MAX;
  for (const auto& [id, v] : s.followers)
    if (s.replicas->is_behind(id) && !is_held_up(s, id, v))
      at = std::min(at, v.nudge_at_ms);
  for (const auto id : s.replicas->isr())
    if (id != s.options.node && s.replicas->is_behind(id)
        && !s.replicas->is_proposing())
      at = std::min(at, s.replicas->replicas().at(id).caught_up_ms
                          + s.options.settings.replica_lag_ms_max + 1);
  if (s.replicas->is_proposing())
    at = std::min(at, s.proposal_over_ms);
  return at;
}

void nudge_the_silent(self_pointer self) {
  auto& s = self->state;
  const auto now = monotonic_ms(*self);
  for (auto& [id, v] : s.followers) {
    if (now < v.nudge_at_ms || !s.replicas->is_behind(id)
        || is_held_up(s, id, v))
      continue;
    say(self, id, replica_nudge{});
    v.patience_ms = std::min(2 * v.patience_ms, longest_patience_ms);
    v.nudge_at_ms = now + v.patience_ms;
  }
}

void settle_proposals(partition_state& s) {
  s.next_proposal_ms = 0;
  s.proposal_pause_ms = first_proposal_pause_ms;
}

/// A view of each follower, and of nobody else.
void update_followers(self_pointer self) {
  auto& s = self->state;
  const auto& replicas = s.options.registration.replicas;
  std::erase_if(s.followers, [&](const auto& entry) {
    return !has_node(replicas, entry.first);
  });
  const auto now = monotonic_ms(*self);
  for (const auto id : replicas)
    if (id != s.options.node && !s.followers.contains(id)) {
      s.followers[id].patience_ms = first_patience_ms;
      s.followers[id].nudge_at_ms = now + first_patience_ms;
    }
}

} // namespace

void begin_leading(self_pointer self) {
  auto& s = self->state;
  const auto& now = s.options.registration;
  s.log->begin_epoch(now.epoch);
  s.led_since_ms = monotonic_ms(*self);
  s.replicas.emplace(s.options.node, now,
    s.options.settings.min_insync_replicas, s.high_watermark);
  const auto end = s.log->log_end_offset();
  s.replicas->become_leader(now, end,
    is_durable_by_system(s) ? end : s.log->durable_end_offset(),
    monotonic_ms(*self));
  settle_proposals(s);
  update_followers(self);
  advance(self);
  schedule_sync(self);
  // They may have asked before this node knew that it leads.
  for (auto& [id, v] : s.followers)
    say(self, id, replica_nudge{});
  auto early = std::exchange(s.early, {});
  for (auto& [id, message] : early)
    if (message.epoch == now.epoch)
      on_replica_fetch(self, id, std::get<replica_fetch>(message.body));
    else if (message.epoch > now.epoch)
      s.early.emplace(id, std::move(message));
  if (s.leads())
    look_after_followers(self);
}

void on_replica_fetch(
  self_pointer self, node_id from, const replica_fetch& fetch) {
  auto& s = self->state;
  const auto at = s.followers.find(from);
  if (at == s.followers.end() || s.log->offline())
    return;
  auto& v = at->second;
  if (fetch.broker_epoch < v.broker_epoch)
    return; // an earlier self
  if (fetch.broker_epoch > v.broker_epoch)
    v = {.broker_epoch = fetch.broker_epoch, .pass = v.pass};
  const bool newer = fetch.number > v.number;
  const bool asks = fetch.bytes_max > 0 && fetch.number > v.fetch_number;
  if (!newer && !asks)
    return;
  const auto parting = divergence(s, fetch);
  if (newer) {
    v.number = fetch.number;
    v.patience_ms = first_patience_ms;
    v.nudge_at_ms = monotonic_ms(*self) + first_patience_ms;
    v.waited_for = fetch.waited_for;
  }
  if (asks) {
    v.fetch_number = fetch.number;
    v.waits = !parting;
    v.next = fetch.appended;
    v.bytes_max = fetch.bytes_max;
    v.told_high_watermark = fetch.high_watermark;
    v.told_log_start = fetch.log_start;
  }
  // The positions of a log that parts from this one say nothing about it.
  if (newer && (!parting || planted(bug::replica_counts_diverged)))
    note_position(self, from, fetch);
  if (asks && parting) {
    auto answer = answer_head(s, v);
    answer.final = true;
    answer.diverging = parting;
    say(self, from, std::move(answer));
  }
  if (fetch.refused && !parting)
    look_for_damage(self, fetch.appended);
  serve(self, from, v);
  if (v.waited_for)
    schedule_sync(self);
  look_after_followers(self);
}

void serve_followers(self_pointer self) {
  for (auto& [id, v] : self->state.followers)
    serve(self, id, v);
}

void on_replica_warm(self_pointer self, node_id follower) {
  auto& s = self->state;
  const auto at = s.followers.find(follower);
  if (at == s.followers.end())
    return;
  auto& v = at->second;
  v.reading = false;
  if (v.waits && v.next < s.log->log_end_offset())
    ship(self, follower, v);
}

void on_shipping_turn(self_pointer self, const throttle_turn& turn) {
  auto& s = self->state;
  const node_id id{static_cast<int32_t>(turn.ticket)};
  const auto at = s.followers.find(id);
  if (at == s.followers.end()) {
    give_back(self, turn);
    return;
  }
  if (!take_turn(self, at->second.pass, turn))
    return;
  auto& v = at->second;
  serve(self, id, v);
  // There may be nothing to ship any more; a cold read is under way.
  if (!v.reading)
    use_pass(self, v.pass, throttled_way::leading, 0);
  look_after_followers(self);
}

void on_isr_changed(self_pointer self) {
  auto& s = self->state;
  update_followers(self);
  const auto before = s.replicas->partition();
  const auto& now = s.options.registration;
  if (now.isr != before.isr)
    settle_proposals(s);
  else if (now.partition_epoch != before.partition_epoch)
    // What was refused before may be refused again.
    s.next_proposal_ms = monotonic_ms(*self) + s.proposal_pause_ms;
  s.replicas->on_partition_changed(now);
  advance(self);
  fail_too_few(self);
  serve_followers(self); // the throttle may be off
  look_after_followers(self);
}

void on_isr_answer(self_pointer self, const admin_answer& answer) {
  auto& s = self->state;
  const auto* reply = std::get_if<change_isr_reply>(&answer.reply);
  const auto& known = s.options.registration;
  if (reply != nullptr && reply->error == kafka_error::none) {
    // Of this leadership, however late it comes: it is committed.
    if (reply->partition.epoch == known.epoch
        && reply->partition.partition_epoch > known.partition_epoch) {
      s.options.registration = reply->partition;
      on_isr_changed(self);
    }
    return;
  }
  if (answer.ticket != s.proposal || !s.replicas->is_proposing())
    return;
  const auto error
    = reply != nullptr ? reply->error : kafka_error::request_timed_out;
  s.next_proposal_ms = monotonic_ms(*self) + s.proposal_pause_ms;
  s.proposal_pause_ms
    = std::min(2 * s.proposal_pause_ms, longest_proposal_pause_ms);
  if (is_refusal(error))
    s.replicas->on_proposal_refused();
  else
    s.replicas->on_proposal_lost();
  look_after_followers(self);
}

void look_after_followers(self_pointer self) {
  auto& s = self->state;
  if (s.followers.empty())
    return;
  nudge_the_silent(self);
  consider_isr(self);
  if (const auto at = next_look_ms(s, monotonic_ms(*self)); at != INT64_MAX)
    arm_replica_timer(self, at);
}

} // namespace millrace
