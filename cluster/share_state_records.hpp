#pragma once

// The records of __share_group_state as bytes, in Kafka's own formats.
// Format: docs/formats/share-group-state.md.

#include "cluster/share_state.hpp"
#include "schema/result.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// A share partition: what a share group knows of one partition.
struct share_partition_key {
  std::string group_id;
  uuid topic;
  int32_t partition = 0;

  friend auto operator<=>(
    const share_partition_key&, const share_partition_key&)
    = default;
};

/// `group:topic id:partition`, by which its partition of __share_group_state
/// is chosen: group_partition() of it.
[[nodiscard]] std::string to_string(const share_partition_key& key);

/// All of a share partition, or what has changed since. Updates count only
/// after the snapshot of their epoch.
struct share_state_record {
  enum class kind : uint8_t { snapshot, update, tombstone };

  kind what = kind::snapshot;
  share_partition_key key;
  /// Rises by one with each snapshot of the same share partition.
  int32_t snapshot_epoch = 0;
  /// An update has no state epoch, and those batches that it changes.
  share_partition_snapshot state;
  int64_t created_ms = -1; ///< of a snapshot, since the Unix epoch
  int64_t written_ms = -1;

  bool operator==(const share_state_record&) const = default;
};

/// One record of __share_group_state. No value is a tombstone.
struct share_state_entry {
  std::string key;
  std::optional<std::string> value;

  bool operator==(const share_state_entry&) const = default;
};

[[nodiscard]] share_state_entry encode_share_state_record(
  const share_state_record& record);

/// Nothing for a key of a kind that is not ours: to be ignored.
/// Errors: truncated or corrupt; unsupported for a version of a value that
/// this build does not know.
[[nodiscard]] result<std::optional<share_state_record>>
decode_share_state_record(
  std::string_view key, const std::optional<std::string_view>& value);

} // namespace millrace
