#pragma once

// The connections of a load, which one thread keeps busy.

#include "apps/client/cluster.hpp"

#include <poll.h>

#include <deque>
#include <memory>
#include <vector>

namespace millrace::cli {

/// A connection with the requests that it has no answer to.
struct load_connection {
  client::broker_connection to;
  struct request {
    client::broker_connection::ticket ticket;
    int64_t sent_ns = 0;
    size_t item = 0; ///< which of the load's requests it was
  };
  std::deque<request> waiting{};
};

/// `count` connections to each of these nodes. Errors: offline, not_found.
[[nodiscard]] result<std::vector<std::unique_ptr<load_connection>>> open_load(
  client::cluster& nodes, int32_t node_id, int32_t count);

/// Those that have an answer to read. Waits at most a second for one.
[[nodiscard]] std::vector<load_connection*> readable(
  const std::vector<std::unique_ptr<load_connection>>& connections);

} // namespace millrace::cli
