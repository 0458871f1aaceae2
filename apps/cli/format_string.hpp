#pragma once

// How `consume -f` prints a record: kcat's conversion letters.

#include "apps/client/record.hpp"
#include "schema/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace millrace::cli {

/// A parsed format: literal text and conversions in turn.
///
///   %t topic      %p partition   %o offset
///   %k key        %K its length, -1 for null
///   %s value      %S its length, -1 for null
///   %R value's length as 4 bytes, big endian
///   %h headers as name=value,name=value
///   %T timestamp in ms           %%  a percent sign
///   \n \r \t \\ \0 \xNN
class format_string {
public:
  /// Errors: invalid_argument naming the conversion and its place.
  [[nodiscard]] static result<format_string> parse(std::string_view text);

  /// Appends `record` to `out`. Null keys and values print as `null_text`.
  void append(std::string& out, const client::fetched_record& record,
    std::string_view null_text) const;

private:
  struct piece {
    char conversion = 0; // 0 = literal
    std::string literal;
  };
  std::vector<piece> pieces_;
};

/// Resolves the backslash escapes above, for delimiters. Errors:
/// invalid_argument.
[[nodiscard]] result<std::string> unescape(std::string_view text);

/// One record as a line of JSON without its newline. Keys and values that
/// are not UTF-8 are written as `key_base64` and `value_base64`.
[[nodiscard]] std::string to_json_line(const client::fetched_record& record);

} // namespace millrace::cli
