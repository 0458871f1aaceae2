#include "actors/gateway.hpp"

#include "actors/log.hpp"
#include "actors/loop_unit.hpp"

namespace millrace {

namespace {

/// The gateway whose loop this thread turns: a message that comes from its
/// own thread needs no wake-up.
thread_local const gateway* turning = nullptr;

template <class T>
bool take_as(gateway_core& core, caf::type_erased_tuple& content) {
  if (!content.match_elements<T>())
    return false;
  core.take(content.get_mutable_as<T>(0));
  return true;
}

bool dispatch(gateway_core& core, caf::type_erased_tuple& content) {
  return take_as<produce_results>(core, content)
         || take_as<fetch_answers>(core, content)
         || take_as<data_ready>(core, content)
         || take_as<group_answer>(core, content)
         || take_as<transaction_result>(core, content)
         || take_as<share_answer>(core, content)
         || take_as<share_state_result>(core, content)
         || take_as<log_dirs_answer>(core, content)
         || take_as<log_answer>(core, content)
         || take_as<admin_answer>(core, content)
         || take_as<link_change>(core, content)
         || take_as<directory_update>(core, content);
}

} // namespace

gateway::gateway(caf::actor_config& config, gateway_parts parts)
    : caf::blocking_actor(config), parts_(std::move(parts)) {}

void gateway::enqueue(
  caf::mailbox_element_ptr element, caf::execution_unit* unit) {
  blocking_actor::enqueue(std::move(element), unit);
  if (turning != this)
    parts_.loop->wake();
}

/// Looks at every message; false when it is time to end.
bool gateway::drain() {
  while (has_next_message()) {
    auto element = dequeue();
    auto& content = element->content();
    if (content.match_elements<caf::exit_msg>())
      return false;
    if (!dispatch(*parts_.core, content))
      log::warn("the gateway does not know what to do with {}",
        caf::deep_to_string(content));
  }
  return true;
}

void gateway::act() {
  turning = this;
  loop_unit unit{&system()};
  auto& loop = *parts_.loop;
  auto& core = *parts_.core;
  core.advance(monotonic_ms(*this));
  core.bind(caf::strong_actor_ptr{ctrl()}, &unit);
  for (;;) {
    loop.acknowledge_wake();
    // Until nothing moves on this thread: partitions that were idle run here
    // and answer into the mailbox. First of all the broker, which bind() has
    // asked.
    bool going = true;
    do {
      going = drain();
      core.flush_asks();
    } while (going && (unit.run() || has_next_message()));
    loop.flush();
    if (!going)
      break;
    int wait_ms = -1;
    if (const auto due = core.next_deadline())
      wait_ms = static_cast<int>(
        std::clamp<int64_t>(*due - monotonic_ms(*this), 0, 60'000));
    // What comes in belongs to now, not to when this thread went to sleep.
    loop.poll(wait_ms, [&] {
      core.set_time(monotonic_ms(*this));
    });
    core.advance(monotonic_ms(*this));
  }
  // What was woken here has to run here, or it would never run again: a
  // partition that is to be closed, for one.
  while (unit.run()) {
  }
  loop.stop_listening();
  loop.flush();
  core.close_all();
  loop.flush();
  core.unbind();
  turning = nullptr;
  // The parts stay until this object goes: others may still send to it, and
  // wake its loop.
}

} // namespace millrace
