#pragma once

// What the program deploys, and what its test does.

#include "actors/custom_deployments.hpp"
#include "word_counter.hpp"
#include "word_watch.hpp"

namespace word_counter {

inline millrace::custom_deployments deploy() {
  millrace::custom_deployments actors;
  actors.place<counter>(counter_name);
  actors.on_every_node<watch>(watch_name);
  return actors;
}

} // namespace word_counter
