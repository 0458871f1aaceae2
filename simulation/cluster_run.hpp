#pragma once

// A run of several nodes: clients work and faults strike until enough was
// acknowledged; then everything is healed, and the cluster has to come to an
// end within bounded time: all that is asked is answered, all that was
// acknowledged is read, all nodes say the same.

#include "simulation/sim_run.hpp"

namespace millrace {

[[nodiscard]] sim_report run_cluster(const sim_options& options);

} // namespace millrace
