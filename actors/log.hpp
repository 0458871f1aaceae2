#pragma once

// The node's own log lines, on spdlog. Bytes that a client sent are escaped
// before they get here (log::quoted), so that nobody forges a line.

#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

namespace millrace::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

/// `text` in double quotes, control bytes and quotes escaped, cut after
/// 200 bytes.
[[nodiscard]] std::string quoted(std::string_view text);

} // namespace millrace::log
