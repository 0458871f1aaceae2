#pragma once

// Tells a test what happens to a user's actor, without a word to the actor.

#include "actors/custom_deployments.hpp"

#include <functional>
#include <memory>

namespace millrace::testing {

/// What is told, each before the actor itself hears of it.
struct actor_watcher {
  std::function<void(const actor_context&, bool begins)> life;
  std::function<void(const actor_context&, const actor_message&)> message;
  std::function<void(const actor_context&, const topic_record&)> record;
  std::function<void(const actor_context&, const node_change&)> node;
};

/// The same actors, watched. `watcher` outlives them.
[[nodiscard]] custom_deployments watched(
  const custom_deployments& actors, const actor_watcher& watcher);

} // namespace millrace::testing
