#pragma once

// The records of the workload: each holds a number that is written once, so
// that a value tells which request wrote it.

#include "apps/client/batch_codec.hpp"

#include <optional>
#include <string>

namespace millrace::preload {

/// What identifies a produce of an idempotent producer.
struct produce_batch {
  int64_t producer = -1;
  int32_t sequence = -1;
  int64_t first_value = 0;
  int32_t count = 0;
};

/// One batch with records of the values from `first_value` on; the same
/// numbers always make records of the same size.
[[nodiscard]] shared_bytes make_batch(const produce_batch& what);

/// The number in a record's value; nothing if it is none of ours.
[[nodiscard]] std::optional<int64_t> number_of(
  const std::optional<std::string>& value);

} // namespace millrace::preload
