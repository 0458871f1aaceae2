#pragma once

// Which request had arrived, and which answer had left, at which place of the
// record: the frames of Kafka's protocol in what sockets received and sent.

#include "tests/preload/recording.hpp"

#include <map>
#include <string>
#include <utility>

namespace millrace::preload {

/// A request by its client id, which is another one for each connection, and
/// its correlation id.
using request_name = std::pair<std::string, int32_t>;

struct request_times {
  size_t arrived = never; ///< the place where its last byte had arrived
  /// The beginning of the call that sent the last byte of its answer: from
  /// there on the client may know.
  size_t answered = never;
};

/// Reads the whole record.
[[nodiscard]] std::map<request_name, request_times> find_requests(
  const recording& record);

} // namespace millrace::preload
