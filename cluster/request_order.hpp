#pragma once

// Lets requests of other nodes be done once and in their order, though a
// network may deliver them late or twice.

#include "schema/types.hpp"

#include <cstdint>
#include <map>

namespace millrace {

/// What comes late is not done any more: whoever asked has given it up, and
/// takes an answer to its newest request only.
class request_order {
public:
  /// Whether the request is newer than all that came from there.
  /// @param broker_epoch of the asker; a later life of it has a larger one
  [[nodiscard]] bool admit(
    node_id from, int64_t broker_epoch, uint64_t request);

private:
  struct last {
    int64_t broker_epoch = -1;
    uint64_t request = 0;
  };
  std::map<node_id, last> last_;
};

} // namespace millrace
