#include "actors/partition.hpp"

#include "actors/log.hpp"
#include "actors/partition_questions.hpp"
#include "actors/tell.hpp"

#include <unordered_map>

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

/// Opens the log when it is first needed. False if it cannot be used.
bool ensure_open(partition_state& s) {
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
    s.broken = why;
    return false;
  }
  s.broken.clear();
  s.log = std::move(*opened);
  // Recovery has synced what it read (R5), so all of it is durable.
  s.high_watermark = s.log->log_end_offset();
  s.replicas.emplace(s.options.node, s.options.registration,
    s.options.settings.min_insync_replicas, s.high_watermark);
  s.replicas->become_leader(
    s.options.registration, s.high_watermark, s.high_watermark, 0);
  for (const auto& note : s.log->recovered().notes)
    log::warn("partition {}: {}", to_string(s.options.name), note);
  return true;
}

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

/// Takes the log's positions into account, and releases what waited for the
/// high watermark.
void advance(self_pointer self) {
  auto& s = self->state;
  // With durability `os` the page cache counts as durable.
  const bool trusts_os
    = s.options.settings.survives == partition_settings::durability::os;
  const auto end = s.log->log_end_offset();
  s.replicas->on_local(
    end, trusts_os ? end : s.log->durable_end_offset(), monotonic_ms(*self));
  const auto high_watermark = s.replicas->high_watermark();
  if (high_watermark <= s.high_watermark)
    return;
  s.high_watermark = high_watermark;
  answer_batch answers;
  while (!s.parked.empty() && s.parked.front().last_offset < high_watermark) {
    auto& done = s.parked.front();
    answers.add(done.asker, std::move(done.answer));
    s.parked.pop_front();
  }
  answers.send(self);
  std::vector<std::pair<caf::strong_actor_ptr, data_ready>> ready;
  for (auto& waiter : s.waiters) {
    auto at = std::find_if(ready.begin(), ready.end(), [&](const auto& entry) {
      return entry.first == waiter.asker;
    });
    if (at == ready.end())
      at = ready.insert(ready.end(), {waiter.asker, {}});
    at->second.tickets.push_back(waiter.ticket);
  }
  s.waiters.clear();
  for (auto& [asker, message] : ready)
    tell(self, asker, std::move(message));
}

void start_sync(self_pointer self) {
  auto& s = self->state;
  if (s.syncing || s.log == nullptr || s.log->offline())
    return;
  s.syncing = true;
  s.unsynced_bytes = 0;
  s.unsynced_records = 0;
  tell(self, s.options.syncs, sync_ask{0, s.log->begin_sync()});
}

/// Syncs now if somebody waits, else within the delay that R8 allows.
void schedule_sync(self_pointer self) {
  auto& s = self->state;
  const auto& settings = s.options.settings;
  if (s.log->durable_end_offset() == s.log->log_end_offset())
    return;
  const bool waited_for = !s.parked.empty() || !s.waiters.empty();
  const bool enough = s.unsynced_bytes >= settings.lazy_sync_bytes
                      || s.unsynced_records >= settings.flush_messages;
  if (waited_for || enough) {
    start_sync(self);
  } else if (!s.sync_armed && !s.syncing) {
    s.sync_armed = true;
    const auto delay = std::chrono::milliseconds{
      std::min(settings.lazy_sync_ms, settings.flush_ms)};
    self->delayed_send(self, delay, lazy_sync{});
  }
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

/// Whether the answer waits for the high watermark to pass `last`.
bool must_wait(const partition_state& s, int16_t acks, offset last) {
  using durability = partition_settings::durability;
  if (acks == 0 || last < s.high_watermark)
    return false;
  return acks == -1 || s.options.settings.survives == durability::fsync_always;
}

/// acks=all needs min.insync.replicas in-sync replicas before it writes (R4).
void refuse_for_replicas(
  self_pointer self, std::vector<partition_state::waiting_produce>& gathered) {
  answer_batch answers;
  std::erase_if(gathered, [&](const auto& waiting) {
    if (waiting.entry.acks != -1)
      return false;
    produce_result r;
    r.ticket = waiting.entry.ticket;
    r.error = kafka_error::not_enough_replicas;
    r.message = "fewer in-sync replicas than min.insync.replicas";
    answers.add(waiting.asker, std::move(r));
    return true;
  });
  answers.send(self);
}

/// Names cause and cure of a write that the disk refused, once a minute.
void complain(self_pointer self, const std::vector<append_item>& items) {
  auto& s = self->state;
  for (const auto& item : items) {
    const auto now = monotonic_ms(*self);
    if (item.error != kafka_error::kafka_storage_error
        || now < s.next_complaint_ms)
      continue;
    s.next_complaint_ms = now + 60'000;
    log::error("partition {} cannot be written: {}. Producers get "
               "KAFKA_STORAGE_ERROR and try again; if the disk is full, free "
               "space or lower retention.ms or retention.bytes.",
      to_string(s.options.name), item.message);
  }
}

void append_gathered(self_pointer self) {
  auto& s = self->state;
  s.gathering = false;
  if (s.gathered.empty())
    return;
  auto gathered = std::exchange(s.gathered, {});
  const bool usable = ensure_open(s) && s.closing == nullptr;
  if (usable && !s.replicas->has_enough_replicas())
    refuse_for_replicas(self, gathered);
  std::vector<append_item> items(gathered.size());
  for (size_t i = 0; i < gathered.size(); ++i) {
    items[i].batch = std::move(gathered[i].entry.batch);
    items[i].origin = gathered[i].entry.origin;
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
    const auto& [asker, entry] = gathered[i];
    s.unsynced_bytes += static_cast<int64_t>(item.batch.size());
    produce_result r;
    r.ticket = entry.ticket;
    r.error = usable                 ? item.error
              : s.closing != nullptr ? kafka_error::not_leader_or_follower
                                     : kafka_error::kafka_storage_error;
    r.message = usable ? std::move(item.message) : s.broken;
    r.record_errors = std::move(item.record_errors);
    r.base_offset = item.base_offset;
    r.log_append_time_ms = item.log_append_time;
    if (usable)
      r.log_start = s.log->log_start_offset();
    if (r.error == kafka_error::none
        && must_wait(s, entry.acks, item.last_offset))
      s.parked.push_back({asker, std::move(r), item.last_offset});
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
  advance(self);
  schedule_sync(self);
}

fetch_answer read_for(self_pointer self, const fetch_ask& ask) {
  auto& s = self->state;
  fetch_answer answer;
  answer.ticket = ask.ticket;
  if (!ensure_open(s)) {
    answer.error = kafka_error::kafka_storage_error;
    return answer;
  }
  answer.current_epoch = s.options.registration.epoch;
  answer.error = check_epoch(s, ask.current_epoch);
  if (answer.error != kafka_error::none)
    return answer;
  answer.high_watermark = s.high_watermark;
  answer.log_start = s.log->log_start_offset();
  if (ask.last_fetched_epoch != no_leader_epoch) {
    const auto end = s.log->end_offset_for(ask.last_fetched_epoch);
    if (end.epoch != ask.last_fetched_epoch || end.end < ask.from) {
      answer.diverging = end;
      return answer;
    }
  }
  if (ask.from < s.log->log_start_offset()
      || ask.from > s.log->log_end_offset()) {
    answer.error = kafka_error::offset_out_of_range;
    return answer;
  }
  if (ask.from >= s.high_watermark)
    return answer;
  auto read = s.log->read(ask.from, s.high_watermark,
    static_cast<size_t>(std::max(ask.bytes_max, 0)), ask.at_least_one);
  if (!read) {
    log::error(
      "partition {}: {}", to_string(s.options.name), to_string(read.error()));
    answer.error = read.error().code == errc::corrupt
                     ? kafka_error::corrupt_message
                     : kafka_error::kafka_storage_error;
    return answer;
  }
  answer.slices = std::move(read->slices);
  answer.bytes = read->bytes;
  return answer;
}

void on_fetch(self_pointer self, const fetch_asks& message) {
  auto& s = self->state;
  const auto& asker = self->current_sender();
  fetch_answers reply;
  const auto now = monotonic_ms(*self);
  bool waits = false;
  for (const auto& ask : message.asks) {
    auto answer = read_for(self, ask);
    const bool too_little = answer.error == kafka_error::none
                            && !answer.diverging
                            && answer.bytes < static_cast<size_t>(
                                 std::max(ask.wait_below_bytes, 1));
    if (too_little && ask.wait_until_ms > now) {
      while (!s.waiters.empty() && s.waiters.front().until_ms <= now)
        s.waiters.pop_front();
      s.waiters.push_back({asker, ask.ticket, ask.from, ask.wait_until_ms});
      waits = true;
    }
    reply.answers.push_back(std::move(answer));
  }
  tell(self, asker, std::move(reply));
  if (waits)
    schedule_sync(self);
}

void finish_close(self_pointer self) {
  auto& s = self->state;
  // One that was never used may still have to be recovered.
  if (s.close_clean && !s.options.clean)
    ensure_open(s);
  partition_closed closed{s.options.name, true};
  if (s.log != nullptr) {
    closed.opened = true;
    closed.log_start = s.log->log_start_offset();
    closed.log_end = s.log->durable_end_offset();
    auto done = s.log->close(s.close_clean);
    if (!done) {
      closed.clean = false;
      log::error("partition {} did not close cleanly: {}",
        to_string(s.options.name), to_string(done.error()));
    }
    s.log.reset();
  } else {
    // Never opened: as clean as the last stop left it.
    closed.clean = s.options.clean && s.broken.empty();
  }
  tell(self, s.closing, std::move(closed));
  self->quit();
}

void on_synced(self_pointer self, const sync_done& done) {
  auto& s = self->state;
  s.syncing = false;
  if (s.log == nullptr)
    return;
  s.log->complete_sync(done.job, done.outcome);
  if (s.log->offline()) {
    log::error("partition {} is offline: its bytes could not be made "
               "durable: {}. Check the disk, then restart the node.",
      to_string(s.options.name), to_string(done.outcome.error()));
    fail_parked(self, kafka_error::kafka_storage_error);
  } else {
    advance(self);
    schedule_sync(self);
  }
  if (s.closing != nullptr && !s.syncing)
    finish_close(self);
}

void on_tick(self_pointer self, const partition_tick& tick) {
  auto& s = self->state;
  if (!ensure_open(s) || s.closing != nullptr)
    return;
  keep_house(self, tick.retention);
  tell(self, s.options.broker,
    partition_state_report{s.options.name, s.log->log_start_offset(),
      s.high_watermark, s.log->durable_end_offset(), s.log->log_end_offset(),
      static_cast<int64_t>(s.log->size_bytes()), s.log->offline()});
}

} // namespace

partition_actor::behavior_type partition(
  self_pointer self, environment* env, partition_options options) {
  self->state.env = env;
  self->state.options = std::move(options);
  return {
    [=](produce_many& message) {
      auto& s = self->state;
      for (auto& entry : message.entries)
        s.gathered.push_back({self->current_sender(), std::move(entry)});
      if (!s.gathering) {
        s.gathering = true;
        tell(self, self, gather_now{});
      }
    },
    [=](gather_now) {
      append_gathered(self);
    },
    [=](lazy_sync) {
      auto& s = self->state;
      s.sync_armed = false;
      if (s.log != nullptr
          && s.log->durable_end_offset() < s.log->log_end_offset())
        start_sync(self);
    },
    [=](const fetch_asks& message) {
      on_fetch(self, message);
    },
    [=](const log_ask& ask) {
      auto& s = self->state;
      log_answer answer;
      answer.ticket = ask.ticket;
      if (ensure_open(s)) {
        if (std::holds_alternative<ask_delete_records>(ask.question)) {
          begin_deletion(self, ask);
          return;
        }
        answer_question(self, ask, answer);
      } else {
        answer.error = kafka_error::kafka_storage_error;
        answer.message = s.broken;
      }
      tell(self, self->current_sender(), std::move(answer));
    },
    [=](const sync_done& done) {
      on_synced(self, done);
    },
    [=](const lead_partition& lead) {
      auto& s = self->state;
      const bool new_epoch
        = lead.registration.epoch != s.options.registration.epoch;
      s.options.registration = lead.registration;
      s.options.settings = lead.settings;
      if (s.log == nullptr)
        return;
      s.log->configure(lead.settings.log);
      if (new_epoch)
        s.replicas->become_leader(lead.registration, s.log->log_end_offset(),
          s.log->durable_end_offset(), monotonic_ms(*self));
      else
        s.replicas->on_partition_changed(lead.registration);
      s.replicas->set_min_insync_replicas(lead.settings.min_insync_replicas);
      advance(self);
    },
    [=](const log_start_saved& saved) {
      finish_deletion(self, saved);
    },
    [=](const partition_tick& tick) {
      on_tick(self, tick);
    },
    [=](const close_partition& close) {
      auto& s = self->state;
      append_gathered(self);
      s.closing = self->current_sender();
      s.close_clean = close.clean;
      if (s.syncing)
        return;
      const bool dirty
        = s.log != nullptr && !s.log->offline()
          && s.log->durable_end_offset() < s.log->log_end_offset();
      if (dirty && close.clean)
        start_sync(self);
      else
        finish_close(self);
    },
  };
}

} // namespace millrace
