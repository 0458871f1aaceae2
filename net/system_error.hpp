#pragma once

// From errno to an error with a code, for what sockets refuse.

#include "schema/result.hpp"

#include <string>
#include <string_view>

namespace millrace {

/// `what: the system's sentence`, with the code that fits `number` (an errno).
[[nodiscard]] error system_error_of(int number, std::string_view what);

/// The system's sentence for an errno alone.
[[nodiscard]] std::string system_sentence(int number);

} // namespace millrace
