#pragma once

// The head of a stored metadata image: up to where in which log it goes, and
// the few values that belong to no topic, broker or configuration.

#include "schema/metadata_command.hpp"
#include "schema/raft_entry.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

inline constexpr uint16_t metadata_image_version = 1;

struct metadata_head {
  uint16_t version = metadata_image_version;
  int64_t applied_index = -1;
  int64_t applied_term = -1;
  uuid log_id;
  std::string cluster_id;
  producer_id next_producer_id{0};
  int64_t next_broker_epoch = 1;
  std::vector<feature_level> features;
  /// Of the consensus group; no members before there were any.
  raft_configuration configuration;

  friend bool operator==(const metadata_head&, const metadata_head&) = default;
};

[[nodiscard]] shared_bytes encode(const metadata_head& head);
/// Errors: corrupt; unsupported for a newer version.
[[nodiscard]] result<metadata_head> decode_metadata_head(
  const shared_bytes& bytes);

} // namespace millrace
