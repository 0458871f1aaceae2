#include "actors/consensus.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"

namespace millrace {

consensus_actor::behavior_type consensus(
  consensus_actor::stateful_pointer<consensus_state> self,
  std::shared_ptr<std::unique_ptr<consensus_log>> log, uint64_t term) {
  self->state.log = std::move(*log);
  self->state.term = term;
  return {
    [=](const propose& message) {
      auto& s = self->state;
      std::vector<consensus_entry> entries;
      auto index = s.log->last_index();
      for (const auto& command : message.commands)
        entries.push_back(
          {.term = s.term, .index = ++index, .payload = command});
      auto written = s.log->append(entries);
      if (written)
        written = s.log->sync();
      proposed answer{message.ticket, written.ok(), index, s.term};
      tell(self, self->current_sender(), std::move(answer));
      if (written)
        return;
      // What is on disk now is unknown (R6): only a restart can tell.
      log::error(
        "the metadata log cannot be written: {}", to_string(written.error()));
      self->quit(caf::exit_reason::unhandled_exception);
    },
  };
}

} // namespace millrace
