#include "apps/cli/settings.hpp"

#include <optional>

namespace millrace::cli {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\f';
}

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  return text;
}

/// A line that ends in an odd number of backslashes goes on.
bool goes_on(std::string_view line) {
  size_t count = 0;
  while (count < line.size() && line[line.size() - 1 - count] == '\\')
    ++count;
  return count % 2 == 1;
}

void append_utf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  }
}

/// The four digits after \u, which stand at text[at].
std::optional<uint32_t> unit_at(std::string_view text, size_t at) {
  if (at + 4 > text.size())
    return std::nullopt;
  uint32_t value = 0;
  for (auto c : text.substr(at, 4)) {
    const auto digit = std::string_view{"0123456789abcdef"}.find(
      static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    if (digit == std::string_view::npos)
      return std::nullopt;
    value = value * 16 + static_cast<uint32_t>(digit);
  }
  return value;
}

/// Resolves the escapes of a key or a value; nothing for a broken \u.
std::optional<std::string> resolve(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'u') {
      auto unit = unit_at(text, i + 1);
      if (!unit)
        return std::nullopt;
      i += 4;
      uint32_t point = *unit;
      // Java writes what is above 16 bits as two halves.
      if (point >= 0xd800 && point < 0xdc00 && i + 2 < text.size()
          && text[i + 1] == '\\' && text[i + 2] == 'u') {
        const auto low = unit_at(text, i + 3);
        if (low && *low >= 0xdc00 && *low < 0xe000) {
          point = 0x10000 + ((point - 0xd800) << 10) + (*low - 0xdc00);
          i += 6;
        }
      }
      append_utf8(out, point);
      continue;
    }
    out += c == 't'   ? '\t'
           : c == 'n' ? '\n'
           : c == 'r' ? '\r'
           : c == 'f' ? '\f'
                      : c;
  }
  return out;
}

/// Where the key ends: at the first =, : or blank that is not escaped.
size_t key_end(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\')
      ++i;
    else if (line[i] == '=' || line[i] == ':' || is_blank(line[i]))
      return i;
  }
  return line.size();
}

/// Logical lines with the number of their first physical one.
std::vector<std::pair<size_t, std::string>> logical_lines(
  std::string_view text) {
  std::vector<std::pair<size_t, std::string>> lines;
  bool more = false;
  size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    auto line = skip_blanks(text.substr(0, end));
    const bool windows = text.substr(end).starts_with("\r\n");
    text.remove_prefix(std::min(end + (windows ? 2 : 1), text.size()));
    ++number;
    if (!more && (line.empty() || line[0] == '#' || line[0] == '!'))
      continue;
    if (!more)
      lines.emplace_back(number, "");
    more = goes_on(line);
    lines.back().second += more ? line.substr(0, line.size() - 1) : line;
  }
  return lines;
}

} // namespace

result<std::vector<setting>> parse_properties(
  std::string_view text, const std::string& name) {
  std::vector<setting> settings;
  for (const auto& [number, whole] : logical_lines(text)) {
    const std::string where = name + ", line " + std::to_string(number);
    const std::string_view line = whole;
    const auto end = key_end(line);
    auto rest = skip_blanks(line.substr(end));
    if (!rest.empty() && (rest.front() == '=' || rest.front() == ':'))
      rest = skip_blanks(rest.substr(1));
    auto key = resolve(line.substr(0, end));
    auto value = resolve(rest);
    if (!key || !value)
      return error{errc::invalid_argument,
        where + R"(: \u must be followed by four hexadecimal digits)"};
    if (key->empty())
      return error{errc::invalid_argument, where + ": there is no key"};
    // Java keeps blanks at the end of a value; no key here wants them.
    while (!value->empty() && is_blank(value->back()))
      value->pop_back();
    settings.push_back({std::move(*key), std::move(*value), where});
  }
  return settings;
}

} // namespace millrace::cli
