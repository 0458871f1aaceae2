#pragma once

// The records of __consumer_offsets as bytes: which kinds there are, which
// versions are written, and how they are read back.
// Format: docs/formats/consumer-offsets.md.

#include "cluster/consumer_group_records.hpp"
#include "cluster/group_effects.hpp"
#include "cluster/offset_store.hpp"
#include "cluster/share_group_records.hpp"
#include "schema/kafka/group_metadata_record.hpp"
#include "schema/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace millrace {

/// The offset that `key` names; no value is a tombstone. Written as Kafka
/// 4.3 does: version 4, or 1 where the client chose an expiry time.
[[nodiscard]] offsets_record encode_offset_record(
  const offset_key& key, const std::optional<committed_offset>& value);

/// A group's members and assignment; no value is a tombstone. Version 3.
[[nodiscard]] offsets_record encode_group_record(std::string_view group_id,
  const std::optional<kafka::group_metadata_value>& value);

struct decoded_offset {
  offset_key key;
  std::optional<committed_offset> value;
};
struct decoded_group {
  std::string group_id;
  std::optional<kafka::group_metadata_value> value;
};
/// A record of a kind that is not ours: to be ignored.
struct decoded_other {
  int16_t kind = 0;
};
using decoded_record = std::variant<decoded_other, decoded_offset,
  decoded_group, consumer_group_record, share_group_record>;

/// Errors: truncated or corrupt; unsupported for a version of a value that
/// this build does not know.
[[nodiscard]] result<decoded_record> decode_offsets_record(
  std::string_view key, const std::optional<std::string_view>& value);

} // namespace millrace
