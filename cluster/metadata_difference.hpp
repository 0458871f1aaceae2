#pragma once

// What leads from one image to a later one of the same log. A node that has
// been given a snapshot, because it lacked too much of the log, tells its
// actors these commands: they need not know that there was a jump.

#include "cluster/metadata_image.hpp"

#include <vector>

namespace millrace {

/// Applied to `from` one after the other with apply_part(), followed by
/// pass(), they make it equal `to` but for its members and the broker epochs
/// of those that were removed in between.
[[nodiscard]] std::vector<metadata_command> difference(
  const metadata_image& from, const metadata_image& to);

} // namespace millrace
