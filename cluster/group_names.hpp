#pragma once

// Which strings of clients can be written into records of __consumer_offsets,
// whose strings hold at most 32767 bytes.

#include "schema/kafka/join_group.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

inline constexpr size_t record_string_max = 32'767;

/// Whether it can name a group that has members. (The empty name is only
/// good for committing offsets.)
[[nodiscard]] bool is_group_id(std::string_view id);

/// Whether it is there, and nothing in it: Java's trim() leaves no character.
[[nodiscard]] bool is_blank(const std::optional<std::string>& text);

/// Whether everything that a join leaves behind can be written down.
[[nodiscard]] bool fits_records(const kafka::join_group_request& request);

} // namespace millrace
