#include "actors/compactor.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"

#include <algorithm>

namespace millrace {

namespace {

using self_pointer = compactor_actor::stateful_pointer<compactor_state>;

/// Gives the turn to the log that needs it most, unless one has it.
void next(self_pointer self) {
  auto& s = self->state;
  if (s.working || s.offers.empty())
    return;
  const auto best = std::max_element(
    s.offers.begin(), s.offers.end(), [](const auto& a, const auto& b) {
      if (a.second.overdue != b.second.overdue)
        return b.second.overdue;
      return a.second.dirty_ratio < b.second.dirty_ratio;
    });
  s.working = best->first;
  s.partition = best->second.partition;
  s.offers.erase(best);
  self->monitor(s.partition);
  tell(self, s.partition, compaction_turn{});
}

void end_job(self_pointer self) {
  auto& s = self->state;
  self->demonitor(s.partition->address());
  ++s.generation;
  s.job.reset();
  s.gate.reset();
  s.partition.reset();
  s.working.reset();
  next(self);
}

/// After so many bytes, the next step is due when they would have passed at
/// the rate that is allowed.
void go_on(self_pointer self, uint64_t bytes) {
  auto& s = self->state;
  const auto now = monotonic_us(*self);
  const double took
    = static_cast<double>(bytes) * 1e6 / s.settings.bytes_per_second;
  constexpr double longest = 60e6; // whatever the rate is
  s.may_go_on_us = std::max(s.may_go_on_us, now)
                   + static_cast<int64_t>(std::min(took, longest));
  const compaction_step step{s.generation};
  if (s.may_go_on_us <= now)
    tell(self, self, step);
  else
    self->delayed_send(
      self, std::chrono::microseconds{s.may_go_on_us - now}, step);
}

void work(self_pointer self) {
  auto& s = self->state;
  const auto begin = monotonic_us(*self);
  auto done = s.job->step();
  if (!done) {
    tell(self, s.partition,
      compaction_over{s.gate, std::nullopt, to_string(done.error())});
    end_job(self);
    return;
  }
  s.status->add_compaction({.bytes_read = done->bytes_read,
    .bytes_written = done->bytes_written,
    .passes = done->done ? 1u : 0u,
    .busy_us = static_cast<uint64_t>(monotonic_us(*self) - begin)});
  if (done->ready != nullptr)
    tell(self, s.partition, compaction_swap{std::move(done->ready), s.gate});
  if (done->done) {
    tell(self, s.partition, compaction_over{s.gate, s.job->clean_until(), {}});
    end_job(self);
    return;
  }
  go_on(self, done->bytes_read + done->bytes_written);
}

void begin(self_pointer self, const compaction_work& what) {
  auto& s = self->state;
  if (s.working != what.name || s.job != nullptr)
    return; // of a partition that has died
  if (what.order == nullptr) {
    end_job(self);
    return;
  }
  if (s.map == nullptr)
    s.map = std::make_unique<offset_map>(s.env->random());
  s.gate = what.order->gate;
  s.job = std::make_unique<compaction_job>(std::move(*what.order),
    compaction_job::limits{s.settings.map_bytes_max, s.settings.chunk_bytes},
    *s.map);
  work(self);
}

} // namespace

compactor_actor::behavior_type compactor(self_pointer self, environment* env,
  std::shared_ptr<node_status> status, compactor_settings settings) {
  self->state.status = std::move(status);
  self->state.settings = settings;
  self->state.env = env;
  self->set_down_handler([=](const caf::down_msg& down) {
    auto& s = self->state;
    if (s.partition != nullptr && s.partition->address() == down.source)
      end_job(self);
  });
  return {
    [=](const compactor_settings& changed) {
      self->state.settings = changed;
    },
    [=](const compaction_offer& offer) {
      auto& s = self->state;
      s.offers[offer.name]
        = {self->current_sender(), offer.dirty_ratio, offer.overdue};
      next(self);
    },
    [=](const compaction_work& what) {
      begin(self, what);
    },
    [=](const compaction_step& step) {
      if (step.generation == self->state.generation
          && self->state.job != nullptr)
        work(self);
    },
  };
}

} // namespace millrace
