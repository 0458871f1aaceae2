#pragma once

// What the workload asked of the server and what it was told: the promises
// that recovery has to keep. One operation a line, so that a failure can be
// repeated from a file.

#include "schema/result.hpp"
#include "schema/types.hpp"
#include "tests/preload/recorded_frames.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::preload {

enum class operation_kind : uint8_t {
  create,      ///< of a topic with `count` partitions
  remove,      ///< of a topic
  trim,        ///< deletes the records below offset `value`
  produce,     ///< records with the values `value` to `value` + `count` - 1
  commit,      ///< of `value` for a partition by `group`
  producer_id, ///< `value` is the id that was given
};

struct operation {
  operation_kind kind{};
  request_name request;
  bool acknowledged = false; ///< the client was told that it is done
  topic_partition at;
  std::string group;
  int16_t acks = -1;
  int64_t producer = -1; ///< of an idempotent produce
  int32_t sequence = -1;
  int64_t value = 0;
  int32_t count = 0;
  int64_t base_offset = -1; ///< of an acknowledged produce

  /// When, by the record.
  request_times when;

  /// Whether the client could know, at `place`, that it is done.
  [[nodiscard]] bool promised(size_t place) const {
    return acknowledged && when.answered <= place;
  }
  /// Whether the server could have begun it.
  [[nodiscard]] bool begun(size_t place) const {
    return when.arrived <= place;
  }
};

/// In the order in which they were asked.
using history = std::vector<operation>;

/// One line for each.
[[nodiscard]] std::string to_text(const history& all);
/// Errors: corrupt.
[[nodiscard]] result<history> parse_history(const std::string& text);

/// Looks each operation up in the record. Errors: corrupt, for one that was
/// acknowledged and of which the record knows no answer.
[[nodiscard]] result<void> place_in_time(history& all, const recording& record);

} // namespace millrace::preload
