#pragma once

// What a share coordinator is asked about one share partition, and what it
// answers: InitializeShareGroupState and its like (83-87) without their lists.

#include "cluster/share_state_records.hpp"
#include "schema/kafka_error.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace millrace {

struct share_state_question {
  /// Begins a share partition, or begins it again at `start`.
  struct initialize {
    int32_t state_epoch = 0;
    offset start; ///< -1: by share.auto.offset.reset, unless it has begun
  };
  /// Of the leader: its epoch fences those before it.
  struct read {
    int32_t leader_epoch = 0;
  };
  struct write {
    int32_t state_epoch = 0;
    int32_t leader_epoch = 0;
    offset start; ///< -1: as it was
    int32_t delivery_complete_count = -1;
    std::vector<share_state_batch> batches; ///< those that have changed

    bool operator==(const write&) const = default;
  };
  struct summarize {};
  struct forget {};
  /// Of the partition's leader, and not of a share coordinator: where its log
  /// ends for consumers.
  struct log_end {};

  share_partition_key key;
  std::variant<initialize, read, write, summarize, forget, log_end> what;
};

/// What there is of a share partition is set in answers to `read` and, but for
/// its batches, to `summarize`; the start alone in answers to `log_end`.
struct share_state_answer {
  kafka_error error = kafka_error::none;
  std::string message;
  share_partition_snapshot state;

  bool operator==(const share_state_answer&) const = default;
};

} // namespace millrace
