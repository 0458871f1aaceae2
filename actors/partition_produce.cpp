#include "actors/partition_produce.hpp"

#include "actors/log.hpp"
#include "actors/partition_leader.hpp"
#include "actors/partition_sync.hpp"
#include "actors/partition_transactions.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

/// Groups answers by who asked, in order, one message each.
class answer_batch {
public:
  void add(const caf::strong_actor_ptr& asker, produce_result r) {
    for (auto& [who, message] : batches_)
      if (who == asker) {
        message.results.push_back(std::move(r));
        return;
      }
    batches_.push_back({asker, {}});
    batches_.back().second.results.push_back(std::move(r));
  }

  void send(self_pointer self) {
    for (auto& [who, message] : batches_)
      tell(self, who, std::move(message));
  }

private:
  std::vector<std::pair<caf::strong_actor_ptr, produce_results>> batches_;
};

/// One message for all that wait, at the time of the first.
void arm_deadline(self_pointer self) {
  auto& s = self->state;
  if (s.deadline_armed)
    return;
  int64_t first = INT64_MAX;
  for (const auto& waiting : s.parked)
    first = std::min(first, waiting.until_ms);
  if (first == INT64_MAX)
    return;
  s.deadline_armed = true;
  const auto wait = std::max<int64_t>(first - monotonic_ms(*self), 0) + 1;
  self->delayed_send(self, std::chrono::milliseconds{wait}, produce_deadline{});
}

/// Whether the answer waits for more than that `last` is written.
bool must_wait(const partition_state& s, int16_t acks, offset last) {
  using durability = partition_settings::durability;
  if (acks == 0 || last < s.high_watermark)
    return false;
  return acks == -1 || s.options.settings.survives == durability::fsync_always;
}

/// acks=all waits for every in-sync replica's disk, acks=1 for the leader's.
bool is_released(const partition_state& s, const parked_produce& waiting) {
  return waiting.last_offset < s.high_watermark
         || (!waiting.all && waiting.last_offset < s.log->durable_end_offset());
}

/// What was meant for another leadership is not for this one.
void refuse_for_leadership(
  self_pointer self, std::vector<partition_state::waiting_produce>& gathered) {
  answer_batch answers;
  std::erase_if(gathered, [&](const auto& waiting) {
    const auto meant = waiting.entry.leadership;
    if (meant == no_leader_epoch
        || meant == self->state.options.registration.epoch)
      return false;
    produce_result r;
    r.ticket = waiting.entry.ticket;
    r.error = kafka_error::not_leader_or_follower;
    r.message = "the partition is led in another epoch";
    answers.add(waiting.asker, std::move(r));
    return true;
  });
  answers.send(self);
}

/// acks=all needs min.insync.replicas in-sync replicas before it writes (R4).
void refuse_for_replicas(
  self_pointer self, std::vector<partition_state::waiting_produce>& gathered) {
  answer_batch answers;
  std::erase_if(gathered, [&](const auto& waiting) {
    if (waiting.entry.acks != -1)
      return false;
    self->state.refused_ms = monotonic_ms(*self);
    produce_result r;
    r.ticket = waiting.entry.ticket;
    r.error = kafka_error::not_enough_replicas;
    r.message = "fewer in-sync replicas than min.insync.replicas";
    answers.add(waiting.asker, std::move(r));
    return true;
  });
  answers.send(self);
}

/// As long as clients wait for an answer, by default.
constexpr int64_t patience_ms = 30'000;

bool refused_lately(const partition_state& s, int64_t now_ms) {
  return now_ms - s.refused_ms < patience_ms;
}

/// Whether an earlier leader may still owe clients answers.
bool took_over_lately(const partition_state& s, int64_t now_ms) {
  return s.options.registration.epoch.value > 0
         && now_ms - s.led_since_ms < patience_ms;
}

/// A producer that sends several batches at once has sent this one before it
/// heard that an earlier one was refused, by this leader or as long as there
/// was none: that one comes again. OUT_OF_ORDER_SEQUENCE_NUMBER would tell the
/// producer that it is lost; librdkafka then starts a new epoch, and sends
/// what it has no answer to a second time.
bool is_ahead_of_a_retry(
  const partition_state& s, const append_item& item, int64_t now_ms) {
  if (!item.leaves_gap)
    return false;
  if (item.last_offset.value < 0)
    return item.newcomers_begin_at_zero;
  return refused_lately(s, now_ms)
         || (took_over_lately(s, now_ms)
             && item.last_offset < s.replicas->epoch_start());
}

/// Names cause and cure of a write that the disk refused, once a minute.
void complain(self_pointer self, const std::vector<append_item>& items) {
  auto& s = self->state;
  for (const auto& item : items) {
    if (item.error != kafka_error::kafka_storage_error
        || !s.may_complain(monotonic_ms(*self)))
      continue;
    log::error("partition {} cannot be written: {}. Producers get "
               "KAFKA_STORAGE_ERROR and try again; if the disk is full, free "
               "space or lower retention.ms or retention.bytes.",
      to_string(s.options.name), item.message);
  }
}

} // namespace

void append_gathered(self_pointer self) {
  auto& s = self->state;
  if (s.gathered.empty())
    return;
  auto gathered = std::exchange(s.gathered, {});
  const bool open = ensure_open(self);
  const bool usable = open && s.leads() && s.closing == nullptr;
  if (usable) {
    refuse_for_leadership(self, gathered);
    hold_unknown(self, gathered);
    if (!s.replicas->has_enough_replicas())
      refuse_for_replicas(self, gathered);
  }
  const auto now = monotonic_ms(*self);
  // What was refused comes again: were a later batch of the same producer
  // taken first, the earlier one would be older than all that is known.
  const bool earlier_may_come
    = refused_lately(s, now) || took_over_lately(s, now);
  std::vector<append_item> items(gathered.size());
  for (size_t i = 0; i < gathered.size(); ++i) {
    items[i].batch = std::move(gathered[i].entry.batch);
    items[i].origin = gathered[i].entry.origin;
    items[i].transaction_version = gathered[i].entry.transaction_version;
    items[i].newcomers_begin_at_zero = earlier_may_come;
  }
  if (usable) {
    const auto before = s.log->log_end_offset();
    s.log->append(items, s.options.registration.epoch, s.env->wall_clock_ms());
    s.unsynced_records += s.log->log_end_offset().value - before.value;
    complain(self, items);
  }
  answer_batch answers;
  for (size_t i = 0; i < items.size(); ++i) {
    auto& item = items[i];
    const auto& [asker, entry, checked] = gathered[i];
    if (usable && item.error == kafka_error::none && !item.duplicate) {
      const auto bytes = static_cast<int64_t>(item.batch.size());
      note_unsynced(s, bytes);
      s.carried.in += bytes;
      note_marker(s, item.batch);
    }
    produce_result r;
    r.ticket = entry.ticket;
    r.error = usable ? item.error
              : open || s.closing != nullptr
                ? kafka_error::not_leader_or_follower
                : kafka_error::kafka_storage_error;
    r.message = usable ? std::move(item.message)
                : open ? "this broker does not lead the partition"
                       : s.broken;
    r.record_errors = std::move(item.record_errors);
    r.base_offset = item.base_offset;
    r.log_append_time_ms = item.log_append_time;
    if (usable && is_ahead_of_a_retry(s, item, now))
      r.error = kafka_error::not_leader_or_follower;
    if (usable)
      r.log_start = s.log->log_start_offset();
    if (item.error == kafka_error::kafka_storage_error)
      s.refused_ms = now;
    if (r.error == kafka_error::none
        && must_wait(s, entry.acks, item.last_offset))
      s.parked.push_back(
        {asker, std::move(r), item.last_offset, entry.acks == -1,
          entry.timeout_ms < 0 ? INT64_MAX : now + entry.timeout_ms});
    else
      answers.add(asker, std::move(r));
  }
  answers.send(self);
  if (!usable)
    return;
  if (s.log->offline()) {
    fail_parked(self, kafka_error::kafka_storage_error);
    return;
  }
  // They get it before it is on the disk here, so that all sync at once (R2).
  serve_followers(self);
  advance(self);
  if (!s.followers.empty())
    look_after_followers(self);
  schedule_sync(self);
  arm_deadline(self);
}

void fail_parked(self_pointer self, kafka_error error) {
  auto& s = self->state;
  answer_batch answers;
  for (auto& waiting : s.parked) {
    waiting.answer.error = error;
    waiting.answer.base_offset = offset{-1};
    answers.add(waiting.asker, std::move(waiting.answer));
  }
  s.parked.clear();
  answers.send(self);
}

void fail_too_few(self_pointer self) {
  auto& s = self->state;
  if (s.replicas->has_enough_replicas())
    return;
  answer_batch answers;
  std::erase_if(s.parked, [&](auto& waiting) {
    if (!waiting.all)
      return false;
    waiting.answer.error = kafka_error::not_enough_replicas_after_append;
    waiting.answer.base_offset = offset{-1};
    waiting.answer.message
      = "fewer in-sync replicas than min.insync.replicas are left";
    answers.add(waiting.asker, std::move(waiting.answer));
    return true;
  });
  answers.send(self);
}

void answer_late(self_pointer self) {
  auto& s = self->state;
  s.deadline_armed = false;
  const auto now = monotonic_ms(*self);
  answer_batch answers;
  std::erase_if(s.parked, [&](auto& waiting) {
    if (waiting.until_ms > now)
      return false;
    waiting.answer.error = kafka_error::request_timed_out;
    waiting.answer.base_offset = offset{-1};
    waiting.answer.message
      = "the batch was not on the disks of all in-sync replicas in time";
    answers.add(waiting.asker, std::move(waiting.answer));
    return true;
  });
  answers.send(self);
  arm_deadline(self);
}

void answer_released(self_pointer self) {
  auto& s = self->state;
  answer_batch answers;
  while (!s.parked.empty() && is_released(s, s.parked.front())) {
    auto& done = s.parked.front();
    answers.add(done.asker, std::move(done.answer));
    s.parked.pop_front();
  }
  answers.send(self);
}

} // namespace millrace
