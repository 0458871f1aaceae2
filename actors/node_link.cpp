#include "actors/node_link.hpp"

#include "actors/tell.hpp"

namespace millrace {

namespace {

template <class T>
void give(
  const caf::actor_addr& to, T message, caf::execution_unit* unit = nullptr) {
  tell(caf::actor_cast<caf::strong_actor_ptr>(to), std::move(message), nullptr,
    unit);
}

} // namespace

const char* to_string(link_state state) {
  switch (state) {
  case link_state::up:
    return "up";
  case link_state::down:
    return "down";
  case link_state::refused:
    return "refused";
  }
  return "unknown";
}

void node_link::bind(conversation c, const caf::strong_actor_ptr& receiver) {
  const std::lock_guard guard{mutex_};
  receivers_[c] = caf::actor_cast<caf::actor_addr>(receiver);
}

void node_link::watch(const caf::strong_actor_ptr& receiver) {
  const std::lock_guard guard{mutex_};
  watchers_.push_back(caf::actor_cast<caf::actor_addr>(receiver));
  for (const auto& [node, state] : states_)
    if (state != link_state::down)
      give(watchers_.back(), link_change{node, state});
}

const endpoint& node_link::advertised() const {
  static const endpoint nowhere;
  return nowhere;
}

void node_link::send(node_id to, envelope message) {
  if (to == self_)
    deliver(self_, std::move(message));
  else
    ship(to, std::move(message));
}

void node_link::deliver(
  node_id from, envelope message, caf::execution_unit* unit) {
  caf::actor_addr to;
  {
    const std::lock_guard guard{mutex_};
    const auto at = receivers_.find(message.conversation);
    if (at == receivers_.end())
      return; // nobody talks about this here, or not yet: as if it were lost
    to = at->second;
  }
  give(to, from_node{from, std::move(message)}, unit);
}

void node_link::tell_state(node_id node, link_state state) {
  const std::lock_guard guard{mutex_};
  auto& known = states_.try_emplace(node, link_state::down).first->second;
  if (known == state)
    return;
  known = state;
  for (const auto& watcher : watchers_)
    give(watcher, link_change{node, state});
}

} // namespace millrace
