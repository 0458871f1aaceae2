#pragma once

// The records of share groups (KIP-932) in __consumer_offsets, as bytes and as
// what they change. Format: docs/formats/consumer-offsets.md.

#include "cluster/group_effects.hpp"
#include "schema/kafka/share_group_record.hpp"
#include "schema/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace millrace {

/// One change of one group; no value is a tombstone.
struct share_group_record {
  struct of_member {
    std::string member_id;
    std::optional<kafka::share_group_member_metadata_value> value;
  };
  struct of_group {
    std::optional<kafka::share_group_metadata_value> value;
  };
  struct of_targets {
    std::optional<kafka::share_group_target_assignment_metadata_value> value;
  };
  struct of_target {
    std::string member_id;
    std::optional<kafka::share_group_target_assignment_member_value> value;
  };
  struct of_current {
    std::string member_id;
    std::optional<kafka::share_group_current_member_assignment_value> value;
  };
  /// Which share partitions the share coordinator knows.
  struct of_states {
    std::optional<kafka::share_group_state_partition_metadata_value> value;
  };

  std::string group_id;
  std::variant<of_member, of_group, of_targets, of_target, of_current,
    of_states>
    change;
};

/// Whether a key of this kind belongs to a share group.
[[nodiscard]] bool is_share_group_kind(int16_t kind);

[[nodiscard]] offsets_record encode_share_group_record(
  const share_group_record& record);

/// Precondition: is_share_group_kind(kind), and `key` begins with it.
/// Errors: truncated or corrupt; unsupported for a version of a value that
/// this build does not know.
[[nodiscard]] result<share_group_record> decode_share_group_record(
  std::string_view key, const std::optional<std::string_view>& value);

} // namespace millrace
