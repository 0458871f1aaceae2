#pragma once

// A record as the command line's client sees it: with its place, if it was
// read, or before it has one, if it is to be written.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace millrace::client {

/// A header's value may be null, as a record's key and value may.
using header = std::pair<std::string, std::optional<std::string>>;

/// A record to be written.
struct new_record {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<header> headers;
  /// Milliseconds since the epoch; -1 = now.
  int64_t timestamp = -1;
  /// -1 = by key, or any partition where there is no key.
  int32_t partition = -1;

  friend bool operator==(const new_record&, const new_record&) = default;
};

/// A record that was read.
struct fetched_record {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp = -1;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<header> headers;
};

} // namespace millrace::client
