#include "actors/disk.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"

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

} // namespace

disk_actor::behavior_type disk(
  disk_actor::stateful_pointer<disk_state> self, environment* env) {
  return {
    [=](sync_ask& ask) {
      auto outcome = ask.job.run(env->files());
      tell(self, self->current_sender(),
        sync_done{ask.ticket, std::move(ask.job), std::move(outcome)});
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
