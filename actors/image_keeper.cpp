#include "actors/image_keeper.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

result<void> commit(image_store& store, const image_commit& message) {
  MILLRACE_TRY(store.begin());
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
      image_pairs answer;
      auto done = self->state.store->scan(
        ask.prefix, [&](std::string_view key, std::string_view value) {
          answer.pairs.emplace_back(key.substr(ask.prefix.size()), value);
          return true;
        });
      if (!done) {
        answer.pairs.clear();
        answer.why = to_string(done.error());
      }
      tell(self, self->current_sender(), std::move(answer));
    },
    [=](const image_commit& message) {
      // Later commits hold only what changed since this one, so that a lost
      // one would leave a hole: the image is rebuilt from the log instead.
      if (auto done = commit(*self->state.store, message); !done) {
        log::error("an image cannot be written, the next start replays the "
                   "log: {}",
          to_string(done.error()));
        self->quit(caf::exit_reason::unhandled_exception);
      }
    },
  };
}

} // namespace millrace
