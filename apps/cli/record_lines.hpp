#pragma once

// From the input of `produce` to records: text between delimiters, or JSON
// objects, one in a line.

#include "apps/client/record.hpp"
#include "schema/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::cli {

/// How text becomes a record.
struct line_format {
  /// Splits key from value; empty = the whole text is the value.
  std::string key_delimiter;
  /// The key of every record without one of its own.
  std::optional<std::string> fixed_key;
  std::vector<client::header> headers;
  int32_t partition = -1;
  /// Empty values (and keys) are null: tombstones.
  bool empty_is_null = false;
  bool json = false;
};

/// One piece of the input, without its delimiter. Errors: invalid_argument
/// for JSON that is none, or has a member that no record has.
[[nodiscard]] result<client::new_record> parse_record(
  std::string_view text, const line_format& format);

/// `name=value`, or `name` alone for a null value. Errors: invalid_argument.
[[nodiscard]] result<client::header> parse_header(std::string_view text);

/// Cuts input that comes in pieces at a delimiter.
class line_cutter {
public:
  /// @param delimiter not empty
  explicit line_cutter(std::string delimiter)
      : delimiter_(std::move(delimiter)) {}
  void feed(std::string_view bytes);
  /// The next whole piece; nothing when more input is needed. What it
  /// refers to is valid until the next feed().
  [[nodiscard]] std::optional<std::string_view> next();
  /// At the end of input: what follows the last delimiter, if anything.
  [[nodiscard]] std::optional<std::string_view> rest();

private:
  std::string delimiter_;
  std::string buffer_;
  size_t begin_ = 0;
  size_t searched_ = 0;
};

} // namespace millrace::cli
