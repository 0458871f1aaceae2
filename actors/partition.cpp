#include "actors/partition.hpp"

#include "actors/log.hpp"
#include "actors/partition_compaction.hpp"
#include "actors/partition_fetch.hpp"
#include "actors/partition_follower.hpp"
#include "actors/partition_leader.hpp"
#include "actors/partition_produce.hpp"
#include "actors/partition_questions.hpp"
#include "actors/partition_role.hpp"
#include "actors/partition_share.hpp"
#include "actors/partition_sync.hpp"
#include "actors/partition_transactions.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

void finish_close(self_pointer self) {
  auto& s = self->state;
  // One that was never used may still have to be recovered.
  if (s.close_clean && !s.options.clean)
    ensure_open(self);
  partition_closed closed{s.options.name, true};
  if (s.log != nullptr) {
    closed.opened = true;
    closed.log_start = s.log->log_start_offset();
    closed.log_end = s.log->durable_end_offset();
    if (s.options.replicated())
      report_state(self); // for the high watermark
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

/// Whoever waits for the disk is answered first.
void close_when_durable(self_pointer self) {
  const auto& s = self->state;
  if (s.syncing)
    return;
  const bool dirty = s.log != nullptr && !s.log->offline()
                     && s.log->durable_end_offset() < s.log->log_end_offset();
  if (dirty && s.close_clean)
    start_sync(self);
  else
    finish_close(self);
}

void on_tick(self_pointer self, const partition_tick& tick) {
  auto& s = self->state;
  if (!ensure_open(self) || s.closing != nullptr)
    return;
  keep_house(self, tick);
  report_state(self);
}

} // namespace

partition_actor::behavior_type partition(
  self_pointer self, environment* env, partition_options options) {
  self->state.env = env;
  self->state.options = std::move(options);
  self->state.compaction.clean_until = self->state.options.clean_until;
  self->state.dirty.emplace(self->state.options.budget);
  // One that is alone is opened when it is used; with others it has to say
  // where it stands.
  if (self->state.options.replicated())
    ensure_open(self);
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
      if (!ensure_open(self)) {
        answer.error = kafka_error::kafka_storage_error;
        answer.message = s.broken;
      } else if (!may_answer(s, ask)) {
        answer.error = kafka_error::not_leader_or_follower;
        answer.epoch = s.options.registration.epoch;
      } else {
        if (std::holds_alternative<ask_delete_records>(ask.question)) {
          begin_deletion(self, ask);
          return;
        }
        answer_question(self, ask, answer);
      }
      tell(self, self->current_sender(), std::move(answer));
    },
    [=](const sync_done& done) {
      on_synced(self, done);
      if (self->state.closing != nullptr)
        close_when_durable(self);
    },
    [=](const partition_assigned& assigned) {
      on_assigned(self, assigned);
    },
    [=](const from_replica& in) {
      on_replica(self, in);
    },
    [=](const link_change& change) {
      if (change.state == link_state::up)
        on_link_up(self, change.node);
    },
    [=](const replica_timer& timer) {
      on_replica_timer(self, timer);
    },
    [=](const throttle_turn& turn) {
      on_turn(self, turn);
    },
    [=](const admin_answer& answer) {
      if (self->state.leads())
        on_isr_answer(self, answer);
    },
    [=](const hints_saved& saved) {
      if (self->state.follow)
        on_hints_saved(self, saved);
    },
    [=](const log_start_saved& saved) {
      finish_deletion(self, saved);
    },
    [=](const partition_tick& tick) {
      on_tick(self, tick);
    },
    [=](const transaction_checked& checked) {
      if (on_checked(self, checked) && !must_sync_first(self))
        append_gathered(self);
    },
    [=](const share_ask& ask) {
      on_share(self, ask);
    },
    [=](const share_state_result& told) {
      on_share_state(self, told);
    },
    [=](const share_timer& timer) {
      on_share_timer(self, timer);
    },
    [=](compaction_turn) {
      begin_compaction(self);
    },
    [=](const compaction_swap& swap) {
      swap_compacted(self, swap);
    },
    [=](const compaction_over& over) {
      end_compaction(self, over);
    },
    [=](const hold_compaction& hold) {
      hold_compacting(self, hold.held);
    },
    [=](const close_partition& close) {
      auto& s = self->state;
      append_gathered(self);
      s.closing = self->current_sender();
      s.close_clean = close.clean;
      close_when_durable(self);
    },
  };
}

} // namespace millrace
