#include "apps/cli/table.hpp"

#include "schema/assert.hpp"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace millrace::cli {
namespace {

std::string text_of(const cell& c) {
  struct writer {
    std::string operator()(std::monostate) const {
      return "-";
    }
    std::string operator()(const std::string& s) const {
      return s.empty() ? "-" : s;
    }
    std::string operator()(int64_t n) const {
      return std::to_string(n);
    }
    std::string operator()(double x) const {
      char buffer[64];
      std::snprintf(buffer, sizeof buffer, "%.2f", x);
      return buffer;
    }
    std::string operator()(bool b) const {
      return b ? "true" : "false";
    }
  };
  return std::visit(writer{}, c);
}

nlohmann::ordered_json json_of(const cell& c) {
  return std::visit(
    []<class T>(const T& x) -> nlohmann::ordered_json {
      if constexpr (std::is_same_v<T, std::monostate>)
        return nullptr;
      else
        return x;
    },
    c);
}

/// Columns as wide as terminals show them: code points, not bytes.
size_t width_of(std::string_view text) {
  size_t width = 0;
  for (unsigned char c : text)
    width += (c & 0xc0) != 0x80;
  return width;
}

std::string dump(const nlohmann::ordered_json& value, int indent) {
  using handler = nlohmann::ordered_json::error_handler_t;
  return value.dump(indent, ' ', false, handler::replace);
}

} // namespace

table::table(std::vector<std::string> columns) : columns_(std::move(columns)) {}

void table::add(std::vector<cell> row) {
  MILLRACE_ASSERT(row.size() == columns_.size(), "a row fills its columns");
  rows_.push_back(std::move(row));
}

std::string table::to_text() const {
  std::vector<std::vector<std::string>> lines(1);
  for (auto name : columns_) {
    for (auto& c : name)
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    std::replace(name.begin(), name.end(), '_', '-');
    lines[0].push_back(std::move(name));
  }
  std::vector<bool> right(columns_.size(), !rows_.empty());
  for (const auto& row : rows_) {
    auto& line = lines.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      line.push_back(text_of(row[i]));
      right[i] = right[i] && !std::holds_alternative<std::string>(row[i])
                 && !std::holds_alternative<bool>(row[i]);
    }
  }
  std::vector<size_t> widths(columns_.size());
  for (const auto& line : lines)
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], width_of(line[i]));
  std::string out;
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string blanks(widths[i] - width_of(line[i]), ' ');
      out += i > 0 ? "  " : "";
      out += right[i] ? blanks + line[i] : line[i] + blanks;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

std::string table::to_json() const {
  auto array = nlohmann::ordered_json::array();
  for (const auto& row : rows_) {
    auto object = nlohmann::ordered_json::object();
    for (size_t i = 0; i < row.size(); ++i)
      object[columns_[i]] = json_of(row[i]);
    array.push_back(std::move(object));
  }
  return dump(array, 2) + "\n";
}

std::string quote_json(std::string_view text) {
  return dump(nlohmann::ordered_json(std::string{text}), -1);
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::ferror(stdout)) {
    if (errno == EPIPE)
      std::_Exit(0);
    std::perror("millrace: stdout");
    std::_Exit(1);
  }
}

} // namespace millrace::cli
