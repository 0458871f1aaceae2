#include "actors/partition.hpp"

#include "actors/log.hpp"
#include "actors/partition_fetch.hpp"
#include "actors/partition_produce.hpp"
#include "actors/partition_questions.hpp"
#include "actors/partition_sync.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

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

void on_tick(self_pointer self, const partition_tick& tick) {
  auto& s = self->state;
  if (!ensure_open(s) || s.closing != nullptr)
    return;
  keep_house(self, tick.retention);
  report_state(self);
}

} // namespace

partition_actor::behavior_type partition(
  self_pointer self, environment* env, partition_options options) {
  self->state.env = env;
  self->state.options = std::move(options);
  self->state.dirty.emplace(self->state.options.budget);
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
      self->state.gathering = false;
      if (!must_sync_first(self))
        append_gathered(self);
    },
    [=](produce_deadline) {
      answer_late(self);
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
    [=](const warm_done& done) {
      on_warm(self, done.ticket);
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
      const auto& s = self->state;
      if (s.closing != nullptr && !s.syncing)
        finish_close(self);
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
