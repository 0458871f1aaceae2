#pragma once

// The records of __transaction_state as bytes, in Kafka's own formats.
// Format: docs/formats/transaction-state.md.

#include "cluster/transaction_state.hpp"
#include "schema/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// One record of __transaction_state. No value is a tombstone.
struct transaction_log_entry {
  std::string key;
  std::optional<std::string> value;

  bool operator==(const transaction_log_entry&) const = default;
};

/// Version 1, or version 0 where that says all: a client of transaction
/// version 0 or 1 whose id has not changed.
[[nodiscard]] transaction_log_entry encode_transaction_record(
  const transaction_record& record);

/// Nothing for a key of a kind that is not ours: to be ignored.
/// Errors: truncated or corrupt; unsupported for a version of a value that
/// this build does not know.
[[nodiscard]] result<std::optional<transaction_record>>
decode_transaction_record(
  std::string_view key, const std::optional<std::string_view>& value);

} // namespace millrace
