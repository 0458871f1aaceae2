#pragma once

// From what the partitions of a node have counted to what the node carries a
// second. Partitions say now and then what they have counted since they were
// started; rates are between one take() and the next.

#include "cluster/node_load.hpp"

#include <map>
#include <utility>

namespace millrace {

class load_meter {
public:
  /// One that has counted less than before has been started anew.
  void note(const uuid& topic, int32_t partition, const byte_counts& counted,
    int64_t now_ms);
  void forget(const uuid& topic, int32_t partition);
  /// What was carried between each partition's last word before the last time
  /// and its last one now. One that has said nothing since then counts for
  /// nothing.
  [[nodiscard]] node_load take(int64_t now_ms);

private:
  struct reading {
    byte_counts counted;
    int64_t at_ms = 0;
  };
  struct span {
    reading first;
    reading last;
  };
  std::map<std::pair<uuid, int32_t>, span> partitions_;
};

} // namespace millrace
