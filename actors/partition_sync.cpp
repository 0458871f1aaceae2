#include "actors/partition_sync.hpp"

#include "actors/log.hpp"
#include "actors/partition_fetch.hpp"
#include "actors/partition_follower.hpp"
#include "actors/partition_leader.hpp"
#include "actors/partition_produce.hpp"
#include "actors/partition_role.hpp"
#include "actors/partition_share.hpp"
#include "actors/tell.hpp"
#include "schema/planted_bug.hpp"

namespace millrace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

namespace {

/// Nothing of what this replica held can be had (R10).
void report_broken(self_pointer self) {
  auto& s = self->state;
  partition_state_report report;
  report.name = s.options.name;
  report.lost_end = offset{INT64_MAX};
  tell_broker(self, std::move(report));
}

/// Recovery has synced what it read (R5), so that all of the log is durable;
/// whether others have it too is known up to the checkpoint only.
offset known_high_watermark(const partition_state& s) {
  const auto end = s.log->first_lost().value_or(s.log->log_end_offset());
  if (!s.options.replicated())
    return s.log->log_end_offset();
  return std::max(std::min(s.options.high_watermark.value_or(offset{0}), end),
    s.log->log_start_offset());
}

} // namespace

bool ensure_open(self_pointer self) {
  auto& s = self->state;
  if (s.log != nullptr)
    return !s.log->offline();
  if (!s.broken.empty() && !s.may_recover)
    return false;
  auto opened = partition_log::open({.files = &s.env->files(),
    .directory = s.options.directory,
    .name = s.options.name,
    .config = s.options.settings.log,
    .durable_hint = s.options.durable_hint,
    .log_start = s.options.log_start,
    .clean = s.options.clean,
    .replicated = s.options.replicated(),
    .now_ms = s.env->wall_clock_ms(),
    .handles = s.options.handles});
  if (!opened) {
    const auto why = to_string(opened.error());
    const auto code = opened.error().code;
    s.may_recover = code == errc::out_of_handles || code == errc::out_of_space;
    if (why != s.broken)
      log::error("partition {} cannot be opened: {}{}",
        to_string(s.options.name), why,
        s.may_recover ? "; it is tried again when it is needed" : "");
    if (s.broken.empty() && s.options.replicated())
      report_broken(self);
    s.broken = why;
    return false;
  }
  s.broken.clear();
  s.log = std::move(*opened);
  s.opened_unregistered = s.options.broker_epoch == -1;
  s.high_watermark = known_high_watermark(s);
  for (const auto& note : s.log->recovered().notes)
    log::warn("partition {}: {}", to_string(s.options.name), note);
  if (s.options.replicated())
    report_state(self);
  if (s.closing == nullptr)
    take_role(self);
  return true;
}

bool is_durable_by_system(const partition_state& s) {
  return s.options.settings.survives == partition_settings::durability::os;
}

void advance(self_pointer self) {
  auto& s = self->state;
  const auto end = s.log->log_end_offset();
  const bool counts_unsynced
    = is_durable_by_system(s) || planted(bug::replica_leads_unsynced);
  s.replicas->on_local(end, counts_unsynced ? end : s.log->durable_end_offset(),
    monotonic_ms(*self));
  const auto high_watermark = s.replicas->high_watermark();
  if (high_watermark <= s.high_watermark)
    return;
  s.high_watermark = high_watermark;
  answer_released(self);
  wake_waiters(self);
  serve_followers(self);
}

void note_unsynced(partition_state& s, int64_t bytes) {
  s.unsynced_bytes += bytes;
  s.dirty->add(bytes);
}

void forget_unsynced(partition_state& s) {
  s.dirty->add(-std::exchange(s.unsynced_bytes, 0));
  s.unsynced_records = 0;
}

void sync_what_is_left(self_pointer self) {
  const auto& log = *self->state.log;
  if (log.durable_end_offset() < log.log_end_offset())
    start_sync(self);
}

void start_sync(self_pointer self) {
  auto& s = self->state;
  if (s.syncing || s.log == nullptr || s.log->offline())
    return;
  s.syncing = true;
  s.syncing_bytes = std::exchange(s.unsynced_bytes, 0);
  s.unsynced_records = 0;
  tell(self, s.options.syncs, sync_ask{0, s.log->begin_sync()});
}

bool must_sync_first(self_pointer self) {
  auto& s = self->state;
  if (s.log == nullptr || s.log->offline() || !s.dirty->exhausted())
    return false;
  start_sync(self);
  return true;
}

bool is_waited_for(const partition_state& s) {
  return !s.parked.empty() || !s.waiters.empty() || has_share_fetches(s)
         || (s.follow && s.follow->waited_for)
         || std::any_of(
           s.followers.begin(), s.followers.end(), [](const auto& follower) {
             return follower.second.waited_for;
           });
}

void schedule_sync(self_pointer self) {
  auto& s = self->state;
  const auto& settings = s.options.settings;
  if (s.log->durable_end_offset() == s.log->log_end_offset()) {
    if (s.follow)
      s.follow->waited_for = false;
    return;
  }
  const bool enough = s.unsynced_bytes >= settings.lazy_sync_bytes
                      || s.unsynced_records >= settings.flush_messages;
  if (is_waited_for(s) || enough) {
    start_sync(self);
  } else if (!s.sync_armed && !s.syncing) {
    s.sync_armed = true;
    const auto delay = std::chrono::milliseconds{
      std::min(settings.lazy_sync_ms, settings.flush_ms)};
    self->delayed_send(self, delay, lazy_sync{});
  }
}

namespace {

/// What may be written down as durable. Nothing that is about to be cut.
offset durable_hint(const partition_state& s) {
  const auto end = s.log->durable_end_offset();
  return s.follow && s.follow->cutting ? std::min(end, s.follow->cutting->to)
                                       : end;
}

} // namespace

void report_state(self_pointer self) {
  auto& s = self->state;
  tell_broker(
    self, partition_state_report{s.options.name, s.log->log_start_offset(),
            s.high_watermark, durable_hint(s), s.log->log_end_offset(),
            static_cast<int64_t>(s.log->size_bytes()), s.log->offline(),
            s.log->first_lost().value_or(offset{0}),
            s.log->first_lost() ? s.log->log_end_offset() : offset{0},
            s.log->cut_short(), s.log->last_batch_epoch(), s.carried,
            std::min(s.compaction.clean_until, s.log->log_end_offset())});
}

namespace {

/// What the ended sync covered is durable, or will never be.
void settle_budget(partition_state& s) {
  s.dirty->add(-std::exchange(s.syncing_bytes, 0));
}

} // namespace

void on_synced(self_pointer self, const sync_done& done) {
  auto& s = self->state;
  s.syncing = false;
  settle_budget(s);
  if (s.log == nullptr)
    return;
  s.log->complete_sync(done.job, done.outcome);
  if (s.log->offline()) {
    log::error("partition {} is offline: its bytes could not be made "
               "durable: {}. Check the disk, then restart the node.",
      to_string(s.options.name), to_string(done.outcome.error()));
    fail_parked(self, kafka_error::kafka_storage_error);
    report_state(self); // at once: the next start has to know (R6)
  } else {
    if (s.leads())
      advance(self);
    else if (s.follow)
      tell_durable(self);
    schedule_sync(self);
  }
  if (!s.gathered.empty() && !s.gathering)
    append_gathered(self);
}

} // namespace millrace
