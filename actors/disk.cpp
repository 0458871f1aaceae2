#include "actors/disk.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "schema/assert.hpp"

namespace millrace {

namespace {

/// Touches every page of the slices.
void warm(const std::vector<file_slice>& slices) {
  std::vector<std::byte> scratch(256u << 10);
  for (const auto& slice : slices) {
    uint64_t at = slice.position;
    const uint64_t end = slice.position + slice.size;
    while (at < end) {
      const auto part = std::min<uint64_t>(scratch.size(), end - at);
      auto got = slice.source->read_at(at, {scratch.data(), part});
      // The reader that asked for it will meet the same error, and answer
      // for it.
      if (!got || *got == 0)
        break;
      at += *got;
    }
  }
}

/// All logs by one sync of the volume. Where that fails, each file's own
/// sync tells whose bytes are lost.
result<void> run_together(
  file_system& files, volume_sync& volume, std::vector<sync_entry>& entries) {
  auto outcome = volume.run();
  for (auto& entry : entries)
    entry.outcome
      = outcome ? entry.job.run_after_volume(files) : entry.job.run(files);
  return outcome;
}

void answer(disk_actor::stateful_pointer<disk_state> self, sync_ran ran) {
  auto& unit = self->state.unit;
  if (unit == nullptr) {
    tell(self, self->current_sender(), std::move(ran));
    return;
  }
  tell(self->current_sender(), std::move(ran),
    caf::strong_actor_ptr{self->ctrl()}, unit.get());
  unit->run();
}

} // namespace

disk_actor::behavior_type disk(disk_actor::stateful_pointer<disk_state> self,
  environment* env, std::shared_ptr<volume_sync> volume) {
  if (env->has_threads())
    self->state.unit = std::make_unique<loop_unit>(&self->home_system());
  return {
    [=](sync_run& run) {
      sync_ran ran{run.worker, run.together, {}, 0, std::move(run.entries)};
      const auto begin = monotonic_us(*self);
      if (run.together) {
        MILLRACE_ASSERT(volume != nullptr, "the planner knows who has it");
        ran.volume_outcome = run_together(env->files(), *volume, ran.entries);
      } else {
        for (auto& entry : ran.entries)
          entry.outcome = entry.job.run(env->files());
      }
      ran.took_us = monotonic_us(*self) - begin;
      answer(self, std::move(ran));
    },
    [=](const warm_ask& ask) {
      warm(ask.slices);
      tell(self, self->current_sender(), warm_done{ask.ticket});
    },
    [=](const remove_paths& ask) {
      for (const auto& path : ask.paths)
        if (auto done = remove_tree(env->files(), path);
          !done && done.error().code != errc::not_found)
          log::warn("could not remove {}; it is tried again at the next "
                    "start",
            to_string(done.error()));
    },
  };
}

} // namespace millrace
