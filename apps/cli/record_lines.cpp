#include "apps/cli/record_lines.hpp"

#include "apps/cli/base64.hpp"

#include <nlohmann/json.hpp>

namespace millrace::cli {
namespace {

using nlohmann::json;

error wrong(const std::string& why) {
  return {errc::invalid_argument,
    why
      + R"(; a line is an object such as {"key":"k","value":"v","headers":)"
        R"([{"name":"n","value":"v"}],"partition":0,"timestamp":0})"};
}

/// Text stays as it is, null is null, anything else keeps its JSON form.
std::optional<std::string> text_of(const json& value) {
  if (value.is_null())
    return std::nullopt;
  return value.is_string() ? value.get<std::string>() : value.dump();
}

result<std::optional<std::string>> binary_of(
  const json& value, const std::string& member) {
  if (value.is_null())
    return std::optional<std::string>{};
  auto bytes = value.is_string() ? decode_base64(value.get<std::string>())
                                 : std::nullopt;
  if (!bytes)
    return wrong("'" + member + "' is not base 64");
  return bytes;
}

result<std::vector<client::header>> headers_of(const json& value) {
  std::vector<client::header> headers;
  if (value.is_object()) {
    for (const auto& [name, v] : value.items())
      headers.emplace_back(name, text_of(v));
    return headers;
  }
  if (!value.is_array())
    return wrong("'headers' is neither an object nor an array");
  for (const auto& one : value) {
    if (!one.is_object() || !one.contains("name") || !one["name"].is_string())
      return wrong("a header has no name");
    std::optional<std::string> bytes;
    if (one.contains("value_base64")) {
      auto decoded = binary_of(one["value_base64"], "value_base64");
      if (!decoded)
        return decoded.error();
      bytes = std::move(*decoded);
    } else if (one.contains("value")) {
      bytes = text_of(one["value"]);
    }
    headers.emplace_back(one["name"].get<std::string>(), std::move(bytes));
  }
  return headers;
}

result<void> set_member(
  client::new_record& record, const std::string& name, const json& value) {
  if (name == "key") {
    record.key = text_of(value);
  } else if (name == "value") {
    record.value = text_of(value);
  } else if (name == "key_base64" || name == "value_base64") {
    auto bytes = binary_of(value, name);
    if (!bytes)
      return bytes.error();
    (name == "key_base64" ? record.key : record.value) = std::move(*bytes);
  } else if (name == "headers") {
    auto headers = headers_of(value);
    if (!headers)
      return headers.error();
    record.headers = std::move(*headers);
  } else if (name == "partition" && value.is_number_integer()) {
    record.partition = value.get<int32_t>();
  } else if (name == "timestamp" && value.is_number_integer()) {
    record.timestamp = value.get<int64_t>();
  } else if (name != "topic" && name != "offset") {
    // These two are in what `consume --output json` writes.
    return wrong("'" + name + "' is not understood");
  }
  return {};
}

result<client::new_record> parse_json(
  std::string_view text, const line_format& format) {
  const auto object = json::parse(text, nullptr, false);
  if (!object.is_object())
    return wrong("'" + std::string{text.substr(0, 60)} + "' is no JSON object");
  client::new_record record;
  record.key = format.fixed_key;
  record.headers = format.headers;
  record.partition = format.partition;
  for (const auto& [name, value] : object.items())
    MILLRACE_TRY(set_member(record, name, value));
  return record;
}

} // namespace

result<client::new_record> parse_record(
  std::string_view text, const line_format& format) {
  if (format.json)
    return parse_json(text, format);
  client::new_record record;
  record.key = format.fixed_key;
  record.headers = format.headers;
  record.partition = format.partition;
  const auto& delimiter = format.key_delimiter;
  const auto cut
    = delimiter.empty() ? std::string_view::npos : text.find(delimiter);
  if (cut != std::string_view::npos) {
    record.key = std::string{text.substr(0, cut)};
    text.remove_prefix(cut + delimiter.size());
  }
  record.value = std::string{text};
  if (format.empty_is_null) {
    if (record.value->empty())
      record.value.reset();
    if (record.key && record.key->empty())
      record.key.reset();
  }
  return record;
}

result<client::header> parse_header(std::string_view text) {
  const auto equals = text.find('=');
  if (text.empty() || equals == 0)
    return error{errc::invalid_argument,
      "'" + std::string{text} + "' should be NAME=VALUE, or NAME for null"};
  if (equals == std::string_view::npos)
    return client::header{std::string{text}, std::nullopt};
  return client::header{
    std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1)}};
}

void line_cutter::feed(std::string_view bytes) {
  buffer_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  buffer_ += bytes;
}

std::optional<std::string_view> line_cutter::next() {
  const auto at = buffer_.find(delimiter_, std::max(begin_, searched_));
  if (at == std::string::npos) {
    // The delimiter may be cut in two by the end of what is there.
    const auto keep = std::min(buffer_.size(), delimiter_.size() - 1);
    searched_ = std::max(begin_, buffer_.size() - keep);
    return std::nullopt;
  }
  const auto piece = std::string_view{buffer_}.substr(begin_, at - begin_);
  begin_ = at + delimiter_.size();
  searched_ = begin_;
  return piece;
}

std::optional<std::string_view> line_cutter::rest() {
  if (begin_ == buffer_.size())
    return std::nullopt;
  const auto piece = std::string_view{buffer_}.substr(begin_);
  begin_ = searched_ = buffer_.size();
  return piece;
}

} // namespace millrace::cli
