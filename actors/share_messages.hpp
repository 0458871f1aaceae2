#pragma once

// The messages about share groups between the actors of one node (KIP-932).
// As in messages.hpp, a `ticket` means nothing to anyone but who asks.

#include "cluster/share_settings.hpp"
#include "cluster/share_state.hpp"
#include "schema/file_slice.hpp"
#include "schema/kafka_error.hpp"
#include "schema/types.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace millrace {

// -- gateway -> partition -----------------------------------------------------

/// Records for a member. What cannot be given at once is not given later:
/// data_ready says when to ask again.
struct share_fetch_question {
  share_wanted wanted;
  int32_t bytes_max = 0;
  /// If there are fewer bytes than this to read, say `data_ready` when there
  /// may be more, unless that is after `wait_until_ms` (monotonic_ms).
  int32_t wait_below_bytes = 1;
  int64_t wait_until_ms = 0;
};

/// Answered when it is durable.
struct share_acknowledge_question {
  std::vector<share_acknowledgement> batches;
};

/// The member's session has ended: what it holds is free.
struct share_release_question {};

using share_question = std::variant<share_fetch_question,
  share_acknowledge_question, share_release_question>;

/// Answered by share_answer; a release is not.
struct share_ask {
  uint64_t ticket = 0;
  std::string group;
  std::string member;
  share_settings settings; ///< of the group
  share_question question;
};

struct share_answer {
  uint64_t ticket = 0;
  kafka_error error = kafka_error::none;
  leader_epoch current_epoch = no_leader_epoch;
  std::vector<share_acquired> acquired;
  std::vector<file_slice> slices; ///< which hold them
  size_t bytes = 0;
  /// What could have been read, when it was too little.
  size_t bytes_there = 0;
};

/// A partition to itself: a lock may be over, or something is to be sent
/// again.
struct share_timer {
  uint64_t generation = 0;
};

} // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::share_ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::share_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::share_timer)
