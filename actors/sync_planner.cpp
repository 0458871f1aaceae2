#include "actors/sync_planner.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"

#include <algorithm>

namespace millrace {

namespace {

using self_pointer = sync_planner_actor::stateful_pointer<sync_planner_state>;

bool covered(const sync_entry& entry, uint64_t device) {
  return std::all_of(
    entry.job.files.begin(), entry.job.files.end(), [&](const auto& file) {
      return file->device() == device;
    });
}

void run_alone(self_pointer self, sync_entry entry) {
  auto& s = self->state;
  const auto idlest = static_cast<size_t>(
    std::min_element(s.under_way.begin(), s.under_way.end())
    - s.under_way.begin());
  ++s.under_way[idlest];
  sync_run run;
  run.worker = idlest;
  run.entries.push_back(std::move(entry));
  tell(self, s.disks[idlest], std::move(run));
}

void plan(self_pointer self) {
  auto& s = self->state;
  s.gathering = false;
  // While the volume is being synced, what comes waits for its end: most
  // likely others join it.
  if (s.waiting.empty() || s.together_under_way)
    return;
  if (!s.policy.together(s.waiting.size(), monotonic_us(*self))) {
    for (auto& entry : std::exchange(s.waiting, {}))
      run_alone(self, std::move(entry));
    return;
  }
  sync_run run;
  for (auto& entry : std::exchange(s.waiting, {}))
    if (covered(entry, s.device))
      run.entries.push_back(std::move(entry));
    else
      run_alone(self, std::move(entry));
  if (run.entries.empty())
    return;
  run.together = true;
  s.together_under_way = true;
  ++s.under_way.front();
  tell(self, s.disks.front(), std::move(run));
}

void on_ran(self_pointer self, sync_ran& ran) {
  auto& s = self->state;
  --s.under_way[ran.worker];
  const auto now = monotonic_us(*self);
  if (ran.together) {
    s.together_under_way = false;
    if (!ran.volume_outcome) {
      s.policy.forbid();
      log::error("syncing the volume failed: {}. Each log is synced for "
                 "itself from here on, and tells whether it is concerned.",
        to_string(ran.volume_outcome.error()));
    } else {
      s.policy.note_together(ran.entries.size(), ran.took_us, now);
    }
  } else if (!ran.entries.front().job.files.empty()) {
    s.policy.note_alone(
      ran.took_us / static_cast<int64_t>(ran.entries.front().job.files.size()));
  }
  for (auto& entry : ran.entries)
    tell(self, entry.asker,
      sync_done{entry.ticket, std::move(entry.job), std::move(entry.outcome)});
  plan(self);
}

} // namespace

sync_planner_actor::behavior_type sync_planner(self_pointer self,
  std::vector<disk_actor> disks, std::shared_ptr<volume_sync> volume) {
  auto& s = self->state;
  s.under_way.resize(disks.size());
  s.disks = std::move(disks);
  if (volume != nullptr)
    s.device = volume->device();
  else
    s.policy.forbid();
  return {
    [=](sync_ask& ask) {
      auto& state = self->state;
      state.waiting.push_back(
        {self->current_sender(), ask.ticket, std::move(ask.job), {}});
      if (!state.gathering) {
        state.gathering = true;
        tell(self, self, gather_now{});
      }
    },
    [=](gather_now) {
      plan(self);
    },
    [=](sync_ran& ran) {
      on_ran(self, ran);
    },
  };
}

} // namespace millrace
