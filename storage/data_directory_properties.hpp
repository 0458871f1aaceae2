#pragma once

// `meta.properties`: whose data directory it is. Kafka's file, version 1,
// with one key of ours.

#include "schema/types.hpp"
#include "storage/file.hpp"

namespace millrace {

struct directory_identity {
  uuid cluster;
  node_id node{0};
  uuid directory; ///< with the node it makes a voter (R24)

  friend bool operator==(const directory_identity&, const directory_identity&)
    = default;
};

/// The format of everything in a data directory that has no version itself.
inline constexpr std::string_view directory_format = "1";

[[nodiscard]] std::string format_identity(const directory_identity& identity);

/// Reads such a text; `name` is for the error's context. errc::unsupported:
/// of another version or format, or of Kafka itself; errc::corrupt: a key is
/// missing or makes no sense.
result<directory_identity> parse_identity(
  std::string_view text, const std::string& name);

} // namespace millrace
