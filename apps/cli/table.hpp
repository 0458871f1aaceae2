#pragma once

// What the listing commands print: the same rows as aligned columns for a
// person, or as JSON for a program.

#include <string>
#include <variant>
#include <vector>

namespace millrace::cli {

enum class output_format { table, json };

/// A cell: text, a number (right-aligned, unquoted in JSON), a truth value,
/// or nothing (`-` and null).
using cell = std::variant<std::monostate, std::string, int64_t, double, bool>;

/// Rows under named columns.
class table {
public:
  explicit table(std::vector<std::string> columns);

  /// Precondition: as many cells as there are columns.
  void add(std::vector<cell> row);

  [[nodiscard]] size_t row_count() const {
    return rows_.size();
  }

  /// Columns in capitals, two spaces apart, no trailing blanks.
  [[nodiscard]] std::string to_text() const;
  /// An array of objects whose names are the columns' names.
  [[nodiscard]] std::string to_json() const;
  [[nodiscard]] std::string to_string(output_format format) const {
    return format == output_format::json ? to_json() : to_text();
  }

private:
  std::vector<std::string> columns_;
  std::vector<std::vector<cell>> rows_;
};

/// `text` as a JSON string in quotes; bytes that are not UTF-8 are replaced
/// by U+FFFD.
[[nodiscard]] std::string quote_json(std::string_view text);

/// Writes to stdout. A reader that went away (a closed pipe) is no error:
/// the command ends quietly with status 0, as `head` expects.
void print(std::string_view text);

} // namespace millrace::cli
