#include "actors/custom_host.hpp"

namespace millrace {

custom_host_actor::behavior_type custom_host(
  custom_host_actor::stateful_pointer<custom_host_state> self, environment* env,
  custom_host_options options) {
  // It is of no use without its front, however that one ends.
  self->monitor(options.front->address());
  self->set_down_handler([=](const caf::down_msg&) {
    self->quit(caf::exit_reason::kill);
  });
  self->state.shell
    = std::make_unique<custom_shell>(self, *env, std::move(options));
  self->state.shell->start();
  return {
    [=](const log_answer& m) {
      self->state.shell->take(m);
    },
    [=](const produce_results& m) {
      self->state.shell->take(m);
    },
    [=](const front_answer& m) {
      self->state.shell->take(m);
    },
    [=](const letter_in& m) {
      self->state.shell->take(m);
    },
    [=](const nodes_up& m) {
      self->state.shell->take(m);
    },
    [=](const host_timer& m) {
      self->state.shell->take(m);
    },
  };
}

} // namespace millrace
