#pragma once

// Base 64 (RFC 4648 §4, with padding), for bytes in JSON lines.

#include <optional>
#include <string>
#include <string_view>

namespace millrace::cli {

[[nodiscard]] std::string encode_base64(std::string_view bytes);
/// Nothing when `text` is not whole, padded base 64.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

} // namespace millrace::cli
