#include "actors/image_keeper.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

result<void> commit(image_store& store, const image_commit& message) {
  MILLRACE_TRY(store.begin());
  if (!message.replaced_prefix.empty())
    if (auto done = store.erase_prefix(message.replaced_prefix); !done) {
      store.abort();
      return done;
    }
  for (const auto& write : message.writes) {
    auto done = write.value ? store.put(write.key, *write.value)
                            : store.erase(write.key);
    if (!done) {
      store.abort();
      return done;
    }
  }
  return store.commit();
}

} // namespace

image_keeper_actor::behavior_type image_keeper(
  image_keeper_actor::stateful_pointer<image_keeper_state> self,
  std::shared_ptr<std::unique_ptr<image_store>> store) {
  self->state.store = std::move(*store);
  return {
    [=](const image_ask& ask) {
      const auto& s = self->state;
      image_pairs answer;
      answer.why = s.broken;
      if (answer.why.empty())
        if (auto done = s.store->scan(ask.prefix,
              [&](std::string_view key, std::string_view value) {
                answer.pairs.emplace_back(key.substr(ask.prefix.size()), value);
                return true;
              });
          !done) {
          answer.pairs.clear();
          answer.why = to_string(done.error());
        }
      tell(self, self->current_sender(), std::move(answer));
    },
    [=](const image_commit& message) {
      auto& s = self->state;
      if (!s.broken.empty())
        return;
      if (auto done = commit(*s.store, message); done) {
        tell(self, self->current_sender(), image_committed{message.ticket});
      } else {
        // Later commits hold only what changed since this one, so that a lost
        // one would leave a hole: the next start replays the log instead.
        s.broken = to_string(done.error());
        log::error("an image cannot be written, the next start replays the "
                   "log: {}",
          s.broken);
      }
    },
  };
}

} // namespace millrace
