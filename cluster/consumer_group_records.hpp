#pragma once

// The records of consumer groups (KIP-848) in __consumer_offsets, as bytes
// and as what they change. Format: docs/formats/consumer-offsets.md.

#include "cluster/group_effects.hpp"
#include "schema/kafka/consumer_group_record.hpp"
#include "schema/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace millrace {

/// One change of one group; no value is a tombstone.
struct consumer_group_record {
  struct of_group {
    std::optional<kafka::consumer_group_metadata_value> value;
  };
  /// Written by Kafka before 4.1, which compares a hash now.
  struct of_topics {
    std::optional<kafka::consumer_group_partition_metadata_value> value;
  };
  struct of_member {
    std::string member_id;
    std::optional<kafka::consumer_group_member_metadata_value> value;
  };
  struct of_targets {
    std::optional<kafka::consumer_group_target_assignment_metadata_value> value;
  };
  struct of_target {
    std::string member_id;
    std::optional<kafka::consumer_group_target_assignment_member_value> value;
  };
  struct of_current {
    std::string member_id;
    std::optional<kafka::consumer_group_current_member_assignment_value> value;
  };
  struct of_regex {
    std::string regex;
    std::optional<kafka::consumer_group_regular_expression_value> value;
  };

  std::string group_id;
  std::variant<of_group, of_topics, of_member, of_targets, of_target,
    of_current, of_regex>
    change;
};

/// Whether a key of this kind belongs to a consumer group.
[[nodiscard]] bool is_consumer_group_kind(int16_t kind);

[[nodiscard]] offsets_record encode_consumer_group_record(
  const consumer_group_record& record);

/// Precondition: is_consumer_group_kind(kind), and `key` begins with it.
/// Errors: truncated or corrupt; unsupported for a version of a value that
/// this build does not know.
[[nodiscard]] result<consumer_group_record> decode_consumer_group_record(
  std::string_view key, const std::optional<std::string_view>& value);

} // namespace millrace
