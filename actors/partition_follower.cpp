#include "actors/partition_follower.hpp"

#include "actors/log.hpp"
#include "actors/partition_fetch.hpp"
#include "actors/partition_role.hpp"
#include "actors/partition_sync.hpp"
#include "actors/partition_throttle.hpp"
#include "actors/tell.hpp"
#include "cluster/partition_settling.hpp"
#include "schema/planted_bug.hpp"

namespace millrace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

bool is_in_sync(const partition_state& s) {
  return has_node(s.options.registration.isr, s.options.node);
}

namespace {

/// Without an answer, or without an end of what is outstanding, it asks again
/// after so long; then after twice as long, up to the maximum.
constexpr int64_t first_patience_ms = 250;
constexpr int64_t longest_patience_ms = 2000;

/// Where this replica stands, as its leader may believe it. Of a log that
/// has lost records, only what comes before them counts (R10).
replica_fetch position(const partition_state& s) {
  const auto lost = s.log->first_lost();
  const auto end = lost ? *lost : s.log->log_end_offset();
  const bool counts_unsynced
    = is_durable_by_system(s) || planted(bug::replica_tells_unsynced);
  return {.number = s.next_number,
    .broker_epoch = s.options.broker_epoch,
    .appended = end,
    .durable
    = counts_unsynced ? end : std::min(end, s.log->durable_end_offset()),
    .log_start = std::min(end, s.log->log_start_offset()),
    .last_epoch = end > s.log->log_start_offset()
                    ? s.log->epoch_at(end + int64_t{-1})
                    : no_leader_epoch,
    .high_watermark
    = s.follow->matches ? s.follow->leader_high_watermark : offset{-1}};
}

void send_position(self_pointer self, int32_t bytes_max) {
  auto& s = self->state;
  ++s.next_number;
  auto fetch = position(s);
  fetch.bytes_max = bytes_max;
  fetch.refused = s.follow->refused;
  fetch.waited_for = s.follow->told_waited_for = !s.waiters.empty();
  if (bytes_max > 0)
    s.follow->asked = fetch.number;
  s.follow->told_durable = fetch.durable;
  say(self, s.options.registration.leader, fetch);
}

void wait_for_answer(self_pointer self) {
  auto& s = self->state;
  s.follow->ask_at_ms = monotonic_ms(*self) + s.follow->patience_ms;
  arm_replica_timer(self, s.follow->ask_at_ms);
}

/// Whether something is outstanding. If not, the leader speaks first. One that
/// is not in sync goes on saying that it is there: so the leader proposes it.
bool expects_more(const partition_state& s) {
  const auto& f = *s.follow;
  return !f.matches || f.asked == 0 || !is_in_sync(s)
         || s.high_watermark < s.log->log_end_offset();
}

void begin_cut(self_pointer self, offset to, bool restart) {
  auto& s = self->state;
  s.follow->cutting = {to, restart};
  wake_waiters(self); // their leader has something else to say
  const auto start = restart ? to : s.log->log_start_offset();
  // R10: nothing may be missed that was cut on purpose.
  tell_broker(
    self, save_hints{s.options.name, std::min(start, to),
            restart ? to : std::min(to, s.log->durable_end_offset())});
}

/// Records were lost that were once durable: the leader has them (R10). This
/// replica says so by its position, leaves the ISR, and only then cuts.
/// False if there are none.
bool heal(self_pointer self) {
  auto& s = self->state;
  const auto lost = s.log->first_lost();
  if (!lost)
    return false;
  if (is_in_sync(s)) {
    send_position(self, 0);
    wait_for_answer(self);
  } else if (!s.follow->cutting) {
    log::warn("partition {} is fetched again from offset {} on, as its log "
              "is damaged there",
      to_string(s.options.name), lost->value);
    begin_cut(self, *lost, *lost <= s.log->log_start_offset());
  }
  return true;
}

/// One that is in sync never is (KIP-73): producers wait for it.
bool is_throttled(const partition_state& s) {
  return s.options.settings.throttled_following && s.options.throttle != nullptr
         && !is_in_sync(s);
}

/// Whether it only waits for the throttle to let it ask.
bool is_held_up(const partition_state& s) {
  return s.follow->pass.asked && s.follow->asked == 0;
}

/// How many bytes it may ask for now.
int32_t askable(self_pointer self) {
  auto& s = self->state;
  const auto bytes = s.options.settings.replica_fetch_bytes_max;
  return !is_throttled(s)
             || may_pass(
               self, s.follow->pass, throttled_way::following, 0, bytes)
           ? bytes
           : 0;
}

/// Asks for what follows. Not while the log is about to be cut, or while too
/// much is not on the disk yet: whoever ends that asks.
void ask(self_pointer self) {
  auto& s = self->state;
  if (s.follow->cutting || s.log->offline() || heal(self)
      || must_sync_first(self))
    return;
  send_position(self, askable(self));
  if (expects_more(s))
    wait_for_answer(self);
}

/// Where to cut: where the largest epoch in common ends here or there.
offset cut_for(const partition_state& s, const replica_divergence& d) {
  if (planted(bug::replica_cuts_to_high_watermark))
    return s.high_watermark;
  auto to = std::min(d.end, s.log->log_end_offset());
  if (d.epoch != no_leader_epoch)
    if (const auto own = s.log->end_offset_for(d.epoch); own.end.value >= 0)
      to = std::min(to, own.end);
  return to;
}

void on_divergence(self_pointer self, const replica_divergence& d) {
  auto& s = self->state;
  const auto to = cut_for(s, d);
  if (to >= s.log->log_end_offset()) {
    wait_for_answer(self); // the leader's log has grown since
    return;
  }
  if (to < s.high_watermark) {
    // R11. Only who is not in sync may have to follow an unclean leader.
    log::error("partition {}: the leader, node {}, has not what was committed "
               "from offset {} on{}",
      to_string(s.options.name), s.options.registration.leader.value, to.value,
      is_in_sync(s) ? "; this replica keeps it and waits" : "; it is given up");
    if (is_in_sync(s)) {
      wait_for_answer(self);
      return;
    }
  }
  log::info("partition {} cuts offsets {} to {}, which its leader has not",
    to_string(s.options.name), to.value, s.log->log_end_offset().value - 1);
  begin_cut(self, to, to <= s.log->log_start_offset());
}

/// False if the answer's batches cannot be used.
bool append(self_pointer self, const replica_answer& answer) {
  auto& s = self->state;
  auto done = s.log->append_follower(
    answer.batches, s.options.registration.epoch, s.env->wall_clock_ms());
  s.follow->refused = !done && done.error().code == errc::corrupt;
  if (done) {
    note_unsynced(s, static_cast<int64_t>(answer.batches.size()));
    return true;
  }
  if (s.may_complain(monotonic_ms(*self)))
    log::error("partition {}: what its leader sends cannot be appended: {}",
      to_string(s.options.name), to_string(done.error()));
  if (s.log->offline())
    report_state(self);
  return false;
}

void take_high_watermark(self_pointer self, offset leaders) {
  auto& s = self->state;
  s.follow->leader_high_watermark
    = std::max(s.follow->leader_high_watermark, leaders);
  const auto known
    = std::min(s.follow->leader_high_watermark, s.log->log_end_offset());
  if (known <= s.high_watermark)
    return;
  s.high_watermark = known;
  wake_waiters(self);
}

/// The log starts where the leader's does (R18). False if all of it is gone.
bool take_log_start(self_pointer self, offset leaders) {
  auto& s = self->state;
  if (leaders > s.log->log_end_offset()) {
    begin_cut(self, leaders, true);
    return false;
  }
  if (leaders > s.log->log_start_offset() && leaders > s.follow->saving_start) {
    s.follow->saving_start = leaders;
    tell_broker(self, save_log_start{s.options.name, leaders});
  }
  return true;
}

} // namespace

void begin_following(self_pointer self) {
  auto& s = self->state;
  s.follow.emplace();
  // Above all numbers of an actor that stood here before.
  s.next_number
    = std::max(s.next_number, static_cast<uint64_t>(monotonic_us(*self)));
  s.follow->first_number = s.next_number + 1;
  s.follow->patience_ms = first_patience_ms;
  // From now on nobody else says when what is in memory goes to the disk.
  sync_what_is_left(self);
  ask(self);
}

void on_replica_answer(self_pointer self, const replica_answer& answer) {
  auto& s = self->state;
  auto& f = *s.follow;
  if (f.cutting || s.log->offline() || answer.number < f.first_number
      || (answer.final && answer.number != f.asked))
    return;
  f.patience_ms = first_patience_ms;
  if (answer.final)
    f.asked = 0;
  if (answer.diverging) {
    f.has_matched = false;
    on_divergence(self, *answer.diverging);
    return;
  }
  f.matches = f.has_matched = true;
  if (!take_log_start(self, answer.log_start))
    return;
  if (!answer.batches.empty())
    use_pass(self, f.pass, throttled_way::following,
      static_cast<int64_t>(answer.batches.size()));
  if (!answer.batches.empty() && !append(self, answer)) {
    wait_for_answer(self); // not at once: it may be the same again
    return;
  }
  take_high_watermark(self, answer.high_watermark);
  if (answer.final)
    ask(self);
  else if (expects_more(s))
    wait_for_answer(self);
  f.waited_for = f.waited_for || answer.waited_for;
  schedule_sync(self);
}

void on_damage(self_pointer self) {
  ask(self);
}

void on_nudge(self_pointer self) {
  auto& f = *self->state.follow;
  refund_pass(self, f.pass, throttled_way::following);
  f.asked = 0;
  f.matches = false; // so that it answers at once
  ask(self);
}

bool may_serve(const partition_state& s) {
  return s.follow && s.follow->has_matched && !s.follow->cutting
         && !s.log->first_lost();
}

void on_leader_isr_changed(self_pointer self) {
  auto& s = self->state;
  if (!is_in_sync(s))
    wake_waiters(self); // its leader has more to tell
  if (s.log->first_lost() || (is_held_up(s) && !is_throttled(s)))
    ask(self);
  else if (expects_more(s))
    wait_for_answer(self);
}

void on_asking_turn(self_pointer self, const throttle_turn& turn) {
  auto& s = self->state;
  if (!take_turn(self, s.follow->pass, turn))
    return;
  if (s.follow->asked == 0)
    ask(self);
  else // it is in sync by now, or not throttled any more
    use_pass(self, s.follow->pass, throttled_way::following, 0);
}

void tell_waited_for(self_pointer self) {
  auto& s = self->state;
  if (!s.follow->told_waited_for && may_serve(s))
    send_position(self, 0);
}

void tell_durable(self_pointer self) {
  auto& s = self->state;
  const auto& f = *s.follow;
  if (f.cutting || s.log->offline())
    return;
  if (f.asked == 0)
    ask(self); // it was put off for this sync
  else if (s.log->durable_end_offset() > f.told_durable)
    send_position(self, 0);
}

void on_hints_saved(self_pointer self, const hints_saved& saved) {
  auto& s = self->state;
  auto& f = *s.follow;
  if (!f.cutting || saved.durable > f.cutting->to)
    return;
  const auto [to, restart] = *std::exchange(f.cutting, std::nullopt);
  if (!saved.ok) {
    wait_for_answer(self);
    return;
  }
  const auto done = restart ? s.log->reset_to(to, s.env->wall_clock_ms())
                            : s.log->truncate_to(to);
  if (!done) {
    log::error("partition {} could not be cut at offset {}: {}",
      to_string(s.options.name), to.value, to_string(done.error()));
    report_state(self);
    return;
  }
  forget_unsynced(s);
  s.high_watermark = std::min(s.high_watermark, s.log->log_end_offset());
  if (restart)
    s.high_watermark = s.log->log_start_offset();
  f.asked = 0;
  f.told_durable = offset{0};
  ask(self);
}

void look_after_leader(self_pointer self) {
  auto& s = self->state;
  auto& f = *s.follow;
  if (f.cutting || !expects_more(s))
    return;
  if (const auto now = monotonic_ms(*self); now < f.ask_at_ms) {
    arm_replica_timer(self, f.ask_at_ms);
    return;
  }
  f.patience_ms = std::min(2 * f.patience_ms, longest_patience_ms);
  on_nudge(self);
}

} // namespace millrace
