#include "actors/partition_compaction.hpp"

#include "actors/log.hpp"
#include "actors/partition_questions.hpp"
#include "actors/partition_sync.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

/// What is worth doing. An error is told once: a log that cannot be compacted
/// is left alone until the next start.
std::optional<compaction_plan> plan(partition_state& s, int64_t now_ms) {
  if (s.log == nullptr || s.closing != nullptr || s.compaction.failed
      || s.compaction.held || !s.log->config().compacted)
    return std::nullopt;
  auto found = s.log->plan_compaction(s.compaction.clean_until,
    s.log->last_stable_offset(s.high_watermark), now_ms);
  if (!found) {
    s.compaction.failed = true;
    log::error("partition {} cannot be compacted: {}",
      to_string(s.options.name), to_string(found.error()));
    return std::nullopt;
  }
  if (!*found || !(*found)->due(s.log->config()))
    return std::nullopt;
  return *found;
}

} // namespace

void offer_compaction(self_pointer self, int64_t now_ms) {
  auto& s = self->state;
  if (s.compaction.gate != nullptr)
    return; // it has begun
  s.compaction.now_ms = now_ms;
  if (const auto what = plan(s, now_ms))
    tell(self, s.options.compactor,
      compaction_offer{s.options.name, what->dirty_ratio(), what->overdue});
}

void hold_compacting(self_pointer self, bool held) {
  auto& s = self->state;
  s.compaction.held = held;
  if (!held || s.compaction.gate == nullptr)
    return;
  s.compaction.gate->revoke();
  s.compaction.gate.reset();
}

void begin_compaction(self_pointer self) {
  auto& s = self->state;
  const auto decline = [&] {
    tell(
      self, self->current_sender(), compaction_work{s.options.name, nullptr});
  };
  const auto now = s.compaction.now_ms;
  const auto what = plan(s, now);
  if (!what) {
    decline();
    return;
  }
  auto order = s.log->begin_compaction(*what, now);
  if (!order) {
    log::error("partition {} cannot be compacted: {}",
      to_string(s.options.name), to_string(order.error()));
    decline();
    return;
  }
  s.compaction.gate = order->gate;
  tell(self, self->current_sender(),
    compaction_work{s.options.name,
      std::make_shared<compaction_job::order>(std::move(*order))});
}

void swap_compacted(self_pointer self, const compaction_swap& swap) {
  auto& s = self->state;
  if (s.log == nullptr || s.closing != nullptr)
    return;
  auto removal = s.log->finish_compaction(std::move(*swap.ready), swap.gate);
  if (removal) {
    remove_later(self, std::move(*removal));
    return;
  }
  log::error("partition {}: compacted segments cannot be swapped in: {}",
    to_string(s.options.name), to_string(removal.error()));
  report_state(self);
}

void end_compaction(self_pointer self, const compaction_over& over) {
  auto& s = self->state;
  if (s.log == nullptr || over.gate != s.compaction.gate)
    return;
  s.compaction.gate.reset();
  if (over.gate->revoked())
    return; // the log was cut; it is looked at anew
  if (over.clean_until) {
    s.compaction.clean_until = *over.clean_until;
    report_state(self);
    offer_compaction(self, s.compaction.now_ms); // the memory was too small
  } else {
    s.compaction.failed = true;
    log::error("partition {} cannot be compacted, and is left as it is until "
               "the next start: {}",
      to_string(s.options.name), over.why);
  }
}

} // namespace millrace
