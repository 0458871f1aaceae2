#pragma once

#include "apps/cli/command.hpp"

namespace millrace::cli {

/// `millrace sim`: a node under simulated failures.
void add_sim(CLI::App& parent, command_context& context);

} // namespace millrace::cli
