#pragma once

// Where a node's configuration comes from: files in TOML or in the form of
// Kafka's server.properties, the environment, and the command line.

#include "schema/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::cli {

/// One key with its value, and where it was written, for errors.
struct setting {
  std::string key;
  std::string value;
  std::string where; ///< `server.properties, line 3`

  friend bool operator==(const setting&, const setting&) = default;
};

/// Java's properties: `key=value`, `key: value` or `key value`; comments by
/// # and !; a backslash at the end goes on in the next line; \t \n \r \f
/// \uXXXX. The last of two equal keys wins, as with Java.
/// Errors: invalid_argument naming the line.
[[nodiscard]] result<std::vector<setting>> parse_properties(
  std::string_view text, const std::string& name);

/// TOML, where a nested table and a dotted key are the same thing:
/// `log.retention.ms = 1000` or `[log.retention]` and `ms = 1000`. Arrays
/// become lists with commas. A key that is also the beginning of others is
/// written in quotes: `"broker.id" = 1`.
/// Errors: invalid_argument naming line and column.
[[nodiscard]] result<std::vector<setting>> parse_toml(
  std::string_view text, const std::string& name);

/// Reads a file: `.toml` as TOML, everything else as properties.
/// Errors: not_found, io_error, and those of the parsers.
[[nodiscard]] result<std::vector<setting>> read_settings(
  const std::string& path);

/// What variables such as MILLRACE_LOG_DIRS say of the node's known keys.
/// @param environment entries `NAME=value`, ended by null, as ::environ
[[nodiscard]] std::vector<setting> settings_of_environment(
  const char* const* environment);

/// `log.dirs` is MILLRACE_LOG_DIRS.
[[nodiscard]] std::string variable_name(std::string_view key);

/// Checks every setting and merges them; later ones win.
/// Errors: invalid_argument, unsupported: where it stands, what is wrong,
/// and for an unknown key the nearest known one.
[[nodiscard]] result<std::map<std::string, std::string>> merge_settings(
  const std::vector<setting>& settings);

} // namespace millrace::cli
