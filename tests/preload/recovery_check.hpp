#pragma once

// Asks a server that has recovered for everything it has.

#include "net/endpoint.hpp"
#include "tests/preload/promises.hpp"

namespace millrace::preload {

/// What clients have seen of a server.
struct seen_state {
  struct log {
    int64_t start = 0;
    std::vector<found_record> records;
  };

  std::set<std::string> topics;
  std::map<topic_partition, log> logs;
  std::map<promises::commit_name, int64_t> commits;

  /// What of this is gone from what was seen later, or nothing: what has been
  /// shown must stay.
  [[nodiscard]] std::string missing_from(const seen_state& later) const;
};

/// Asks for everything. Errors: corrupt, for what is not as promised; those
/// of the client. Sends acknowledged batches again, to see that they are not
/// written twice (R13).
[[nodiscard]] result<seen_state> check_recovered(
  const endpoint& server, const promises& expected);

} // namespace millrace::preload
