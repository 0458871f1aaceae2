#pragma once

// Looks into a production actor from outside: in the simulator everything
// runs in one thread, so that between two messages an actor's state stands
// still. For checkers alone; production knows nothing of it.

#include <caf/all.hpp>

namespace millrace {

/// The state of a running actor; null once it has ended.
/// Precondition: `actor` was spawned with that State.
template <class State, class Handle>
[[nodiscard]] const State* state_of(const Handle& actor) {
  using stateful
    = std::remove_pointer_t<typename Handle::template stateful_pointer<State>>;
  auto* abstract = caf::actor_cast<caf::abstract_actor*>(actor);
  if (abstract == nullptr
      || abstract->getf(caf::abstract_actor::is_terminated_flag))
    return nullptr;
  return &static_cast<stateful&>(*abstract).state;
}

} // namespace millrace
