#pragma once

// Asks a server that has recovered for everything it has.

#include "net/endpoint.hpp"
#include "tests/preload/promises.hpp"

namespace millrace::preload {

/// What is wrong with what the server has, or nothing. Sends acknowledged
/// batches again, to see that they are not written twice (R13).
[[nodiscard]] std::string check_recovered(
  const endpoint& server, const promises& expected);

} // namespace millrace::preload
