#pragma once

// What partitions and the compactor say to each other.

#include "schema/types.hpp"
#include "storage/compaction_job.hpp"

#include <caf/all.hpp>

#include <memory>
#include <optional>
#include <string>

namespace millrace {

/// A broker to its compactor: how much it may take.
struct compactor_settings {
  size_t map_bytes_max = size_t{128} << 20;
  size_t chunk_bytes = size_t{512} << 10;
  /// Read and written together.
  double bytes_per_second = 1e300;
};

/// A partition's log is worth compacting. Answered by compaction_turn when no
/// other is more so.
struct compaction_offer {
  topic_partition name;
  double dirty_ratio = 0;
  bool overdue = false;
};

/// Answered by compaction_work.
struct compaction_turn {};

struct compaction_work {
  topic_partition name;
  /// Null if there is nothing to do any more.
  std::shared_ptr<compaction_job::order> order;
};

/// A segment is to be swapped in. No answer: the job goes on without.
struct compaction_swap {
  std::shared_ptr<compacted_segment> ready;
  std::shared_ptr<compaction_gate> gate;
};

/// The job has ended; what it has made came before this.
struct compaction_over {
  std::shared_ptr<compaction_gate> gate;
  /// Where the dirty part begins now; nullopt if the job failed.
  std::optional<offset> clean_until;
  std::string why; ///< it failed
};

/// The compactor to itself: the next step.
struct compaction_step {
  uint64_t generation = 0;
};

} // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::compactor_settings)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::compaction_offer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::compaction_turn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::compaction_work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::compaction_swap)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::compaction_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::compaction_step)
