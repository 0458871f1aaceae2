#pragma once

// Where a reader starts, as `consume -o` and `group reset-offsets` take it.

#include "schema/result.hpp"

#include <cstdint>
#include <string_view>

namespace millrace::cli {

/// A position that only the server can turn into an offset.
struct offset_spec {
  enum class kind {
    beginning, ///< the log start offset
    end,       ///< the next record to come
    stored,    ///< the group's committed offset
    absolute,  ///< `value` is an offset
    from_end,  ///< `value` records before the end
    timestamp, ///< the first record at or after `value` (ms since the epoch)
  };
  kind at = kind::beginning;
  int64_t value = 0;

  friend bool operator==(const offset_spec&, const offset_spec&) = default;
};

/// Reads `beginning`, `earliest`, `end`, `latest`, `stored`, `N`, `-N`,
/// `@MILLISECONDS` or `@2024-05-01T12:00:00Z` (date alone and `+hh:mm` work
/// as well). Errors: invalid_argument with a sentence that lists the forms.
[[nodiscard]] result<offset_spec> parse_offset_spec(std::string_view text);

/// Milliseconds since the epoch of `2024-05-01`, `2024-05-01T12:00`,
/// `2024-05-01T12:00:00.5Z`, `...+02:00`; no zone means UTC.
[[nodiscard]] result<int64_t> parse_timestamp(std::string_view text);

/// `2024-05-01T12:00:00.000Z`.
[[nodiscard]] std::string format_timestamp(int64_t milliseconds);

} // namespace millrace::cli
