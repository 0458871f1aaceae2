#pragma once

// Which replicas of a topic are throttled (KIP-73), as its configuration says
// it: `*`, or `PARTITION:BROKER,PARTITION:BROKER,...`.

#include "schema/types.hpp"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

class throttled_replicas {
public:
  /// None of them.
  throttled_replicas() = default;
  /// Nothing if `text` is neither of the two.
  [[nodiscard]] static std::optional<throttled_replicas> parse(
    std::string_view text);

  [[nodiscard]] bool contains(int32_t partition, node_id broker) const;

  friend bool operator==(const throttled_replicas&, const throttled_replicas&)
    = default;

private:
  bool all_ = false;
  std::vector<std::pair<int32_t, node_id>> some_; ///< rising
};

} // namespace millrace
