#pragma once

// From names to addresses without waiting: the C library's resolver works in
// threads of its own, and calls back.

#include "net/host.hpp"

#include <functional>
#include <vector>

namespace millrace {

/// What a lookup came to: addresses as resolve() gives them, or its error.
using host_found = std::function<void(result<std::vector<socket_address>>)>;

/// Looks `at` up and calls `found` once: at once, in this call, for a numeric
/// address, `localhost` and an empty host (this machine); later, in some
/// thread of the resolver's, for a name. It cannot be called off, and may
/// take as long as the system's resolver does: what `found` holds must be
/// fine with that.
void look_up(const endpoint& at, host_found found);

} // namespace millrace
