#pragma once

// From a server's error codes to errors that a command can end with.

#include "schema/kafka_error.hpp"
#include "schema/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace millrace::client {

/// An error for `code`: `cannot WHAT: the reason (THE_CODE)`. The reason is
/// the server's own sentence where it sent one.
///
/// The errc tells a command how to go on: `offline` = the same request may
/// work later, `not_found` = the thing does not exist, `already_exists`,
/// `unsupported`, `permission`, and `io_error` for everything else.
[[nodiscard]] error refused(kafka_error code, std::string_view what,
  const std::optional<std::string>& message = {});

[[nodiscard]] inline error refused(int16_t code, std::string_view what,
  const std::optional<std::string>& message = {}) {
  return refused(static_cast<kafka_error>(code), what, message);
}

} // namespace millrace::client
