#pragma once

// Sends that name their sender and execution unit, so that an idle receiver
// may run on the sender's own thread after its turn.

#include <caf/all.hpp>

namespace millrace {

template <class T>
void tell(const caf::strong_actor_ptr& to, T&& message,
  const caf::strong_actor_ptr& from, caf::execution_unit* unit) {
  if (to != nullptr)
    to->enqueue(from, caf::make_message_id(),
      caf::make_message(std::forward<T>(message)), unit);
}

template <class Handle, class T>
  requires(!std::is_same_v<Handle, caf::strong_actor_ptr>)
void tell(const Handle& to, T&& message, const caf::strong_actor_ptr& from,
  caf::execution_unit* unit) {
  tell(caf::actor_cast<caf::strong_actor_ptr>(to), std::forward<T>(message),
    from, unit);
}

/// From inside an actor's handler.
template <class Handle, class T>
void tell(caf::local_actor* self, const Handle& to, T&& message) {
  tell(to, std::forward<T>(message), caf::strong_actor_ptr{self->ctrl()},
    self->context());
}

} // namespace millrace
