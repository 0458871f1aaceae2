#pragma once

// The messages about the log directories of a node. As in messages.hpp, a
// `ticket` means nothing to anyone but who asks.

#include "schema/kafka_error.hpp"
#include "schema/types.hpp"
#include "storage/log_config.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace millrace {

/// Which directories there are, which of them has the log of each of these
/// partitions, and which copies are on their way.
struct describe_log_dirs {
  std::vector<topic_partition> partitions;
};

/// Moves a replica's log to another directory of this node, or says where it
/// is to be made.
struct move_replica {
  topic_partition name;
  std::string log_dir; ///< as describe_log_dirs tells it
};
struct alter_replica_log_dirs {
  std::vector<move_replica> moves;
};

/// To the broker. Answered by log_dirs_answer.
struct log_dirs_ask {
  uint64_t ticket = 0;
  std::variant<describe_log_dirs, alter_replica_log_dirs> question;
};

struct log_dir_told {
  std::string path; ///< absolute
  bool failed = false;
};

/// A copy that is to take a log's place.
struct future_log_told {
  topic_partition name;
  size_t log_dir = 0;
  int64_t size_bytes = 0;
  offset end{0}; ///< up to where it goes
};

struct log_dirs_answer {
  uint64_t ticket = 0;
  std::vector<log_dir_told> dirs;
  std::vector<int32_t> homes; ///< in the order asked; -1: has no log
  std::vector<future_log_told> future;
  /// In the order asked: none if the move has begun, or was done already.
  std::vector<kafka_error> outcomes;
};

// -- between the broker and who copies logs
// -------------------------------------

struct log_mover_settings {
  double bytes_per_second = 1e300;
};

/// Copies a log into an empty directory. Answered by copy_progress now and
/// then, and once by copy_caught_up or copy_ended.
struct copy_log {
  topic_partition name;
  caf::strong_actor_ptr partition;
  std::string directory; ///< of the copy
  log_config config;
};

struct copy_progress {
  topic_partition name;
  std::string directory;
  int64_t size_bytes = 0;
  offset end{0};
};

/// The copy has all that is committed: the log may be closed, so that the rest
/// follows. The mover does nothing else until it hears finish_copy or
/// cancel_copy.
struct copy_caught_up {
  topic_partition name;
  std::string directory;
};

/// Nobody has the log open. Answered by copy_ended.
struct finish_copy {
  topic_partition name;
  std::string source;
  offset log_start{0};
  offset log_end{0};
  bool clean = true; ///< as the log was closed
};

/// Answered by copy_ended, if the copy has not ended before.
struct cancel_copy {
  topic_partition name;
};

struct copy_ended {
  topic_partition name;
  std::string directory;
  std::string why; ///< empty: all of the log is there, durably
  offset log_start{0};
  offset end{0};
};

/// The mover to itself: goes on with its copy.
struct copy_step {
  uint64_t generation = 0;
};

/// Tells a partition whether it may be compacted: while it is copied, what the
/// copy has is not to become what it lacks.
struct hold_compaction {
  bool held = false;
};

} // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::log_dirs_ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::log_dirs_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::hold_compaction)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::log_mover_settings)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::copy_log)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::copy_progress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::copy_caught_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::finish_copy)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::cancel_copy)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::copy_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::copy_step)
