#include "apps/cli/format_string.hpp"

#include "apps/cli/base64.hpp"
#include "apps/cli/table.hpp"

namespace millrace::cli {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Takes the escape whose backslash stands at text[at]; moves `at` to its
/// last character.
result<char> take_escape(std::string_view text, size_t& at) {
  const auto wrong = [&]() -> error {
    return {errc::invalid_argument,
      "unknown escape at character " + std::to_string(at + 1) + " of '"
        + std::string{text} + R"(': use \n \r \t \\ \0 or \xNN)"};
  };
  if (at + 1 >= text.size())
    return wrong();
  switch (text[at + 1]) {
  case 'n':
    return text[++at], '\n';
  case 'r':
    return text[++at], '\r';
  case 't':
    return text[++at], '\t';
  case '\\':
    return text[++at], '\\';
  case '0':
    return text[++at], '\0';
  case 'x': {
    const int high = at + 3 < text.size() ? hex_digit(text[at + 2]) : -1;
    const int low = at + 3 < text.size() ? hex_digit(text[at + 3]) : -1;
    if (high < 0 || low < 0)
      return wrong();
    at += 3;
    return static_cast<char>(high * 16 + low);
  }
  default:
    return wrong();
  }
}

std::string length_of(const std::optional<std::string>& bytes) {
  return bytes ? std::to_string(bytes->size()) : "-1";
}

void append_binary_length(
  std::string& out, const std::optional<std::string>& bytes) {
  const auto size
    = bytes ? static_cast<uint32_t>(bytes->size()) : uint32_t{0xffffffff};
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>((size >> shift) & 0xff);
}

void append_headers(
  std::string& out, const std::vector<client::header>& headers) {
  bool first = true;
  for (const auto& [name, value] : headers) {
    out += first ? "" : ",";
    out += name + "=" + value.value_or("NULL");
    first = false;
  }
}

/// Whether `text` may stand in a JSON string as it is.
bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    size_t size = lead < 0x80                   ? 1
                  : lead >= 0xc2 && lead < 0xe0 ? 2
                  : lead >= 0xe0 && lead < 0xf0 ? 3
                  : lead >= 0xf0 && lead < 0xf5 ? 4
                                                : 0;
    if (size == 0 || i + size > text.size())
      return false;
    uint32_t point = size == 1 ? lead : lead & (0x7f >> size);
    for (size_t k = 1; k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80)
        return false;
      point = point << 6 | (next & 0x3f);
    }
    const bool overlong
      = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
    if (overlong || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
      return false;
    i += size;
  }
  return true;
}

void append_field(std::string& out, std::string_view name,
  const std::optional<std::string>& bytes) {
  out += ",\"";
  out += name;
  if (!bytes)
    out += "\":null";
  else if (is_utf8(*bytes))
    out += "\":" + quote_json(*bytes);
  else
    out += "_base64\":\"" + encode_base64(*bytes) + '"';
}

} // namespace

result<std::string> unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    auto c = take_escape(text, i);
    if (!c)
      return c.error();
    out += *c;
  }
  return out;
}

result<format_string> format_string::parse(std::string_view text) {
  format_string format;
  std::string literal;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      auto c = take_escape(text, i);
      if (!c)
        return c.error();
      literal += *c;
    } else if (text[i] != '%') {
      literal += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '%') {
      literal += text[++i];
    } else {
      const char letter = i + 1 < text.size() ? text[i + 1] : ' ';
      if (std::string_view{"tpokKsSRhT"}.find(letter) == std::string_view::npos)
        return error{errc::invalid_argument,
          "unknown conversion %" + std::string(1, letter) + " at character "
            + std::to_string(i + 1)
            + " of the format: use %t %p %o %k %K %s %S %R %h %T or %%"};
      format.pieces_.push_back({0, std::move(literal)});
      format.pieces_.push_back({letter, {}});
      literal.clear();
      ++i;
    }
  }
  format.pieces_.push_back({0, std::move(literal)});
  return format;
}

void format_string::append(std::string& out,
  const client::fetched_record& record, std::string_view null_text) const {
  for (const auto& piece : pieces_) {
    switch (piece.conversion) {
    case 't':
      out += record.topic;
      break;
    case 'p':
      out += std::to_string(record.partition);
      break;
    case 'o':
      out += std::to_string(record.offset);
      break;
    case 'k':
      out += record.key ? std::string_view{*record.key} : null_text;
      break;
    case 'K':
      out += length_of(record.key);
      break;
    case 's':
      out += record.value ? std::string_view{*record.value} : null_text;
      break;
    case 'S':
      out += length_of(record.value);
      break;
    case 'R':
      append_binary_length(out, record.value);
      break;
    case 'h':
      append_headers(out, record.headers);
      break;
    case 'T':
      out += std::to_string(record.timestamp);
      break;
    default:
      out += piece.literal;
    }
  }
}

std::string to_json_line(const client::fetched_record& record) {
  std::string out = "{\"topic\":" + quote_json(record.topic)
                    + ",\"partition\":" + std::to_string(record.partition)
                    + ",\"offset\":" + std::to_string(record.offset)
                    + ",\"timestamp\":" + std::to_string(record.timestamp);
  append_field(out, "key", record.key);
  append_field(out, "value", record.value);
  out += ",\"headers\":[";
  bool first = true;
  for (const auto& [name, value] : record.headers) {
    out += first ? "{\"name\":" : ",{\"name\":";
    out += quote_json(name);
    append_field(out, "value", value);
    out += '}';
    first = false;
  }
  return out + "]}";
}

} // namespace millrace::cli
