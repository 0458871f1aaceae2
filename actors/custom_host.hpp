#pragma once

// The CAF actor around a custom one: all that happens, happens in its shell.

#include "actors/custom_shell.hpp"
#include "actors/interfaces.hpp"

namespace millrace {

struct custom_host_state {
  static inline const char* name = "custom_host";
  std::unique_ptr<custom_shell> shell;
};

custom_host_actor::behavior_type custom_host(
  custom_host_actor::stateful_pointer<custom_host_state> self, environment* env,
  custom_host_options options);

} // namespace millrace
