#include "apps/cli/settings.hpp"

#include <toml++/toml.h>

#include <sstream>

namespace millrace::cli {
namespace {

std::string place(const std::string& name, const toml::source_region& at) {
  return name + ", line " + std::to_string(at.begin.line) + ", column "
         + std::to_string(at.begin.column);
}

std::string number_text(double x) {
  std::ostringstream out;
  out << x;
  return out.str();
}

/// A value that is neither table nor array.
result<std::string> text_of(const toml::node& node, const std::string& where) {
  if (const auto* text = node.as_string())
    return text->get();
  if (const auto* number = node.as_integer())
    return std::to_string(number->get());
  if (const auto* real = node.as_floating_point())
    return number_text(real->get());
  if (const auto* flag = node.as_boolean())
    return std::string{flag->get() ? "true" : "false"};
  return error{errc::invalid_argument,
    where + ": a value is text, a number, true, false, or a list of these"};
}

result<void> flatten_table(const toml::table& table, const std::string& prefix,
  const std::string& name, std::vector<setting>& settings) {
  for (const auto& [key, node] : table) {
    const auto path = prefix + std::string{key.str()};
    const auto where = place(name, node.source());
    if (const auto* below = node.as_table()) {
      MILLRACE_TRY(flatten_table(*below, path + ".", name, settings));
      continue;
    }
    std::string value;
    if (const auto* list = node.as_array()) {
      for (const auto& item : *list) {
        auto text = text_of(item, where);
        if (!text)
          return text.error();
        value += (value.empty() ? "" : ",") + *text;
      }
    } else {
      auto text = text_of(node, where);
      if (!text)
        return text.error();
      value = std::move(*text);
    }
    settings.push_back({path, std::move(value), where});
  }
  return {};
}

} // namespace

result<std::vector<setting>> parse_toml(
  std::string_view text, const std::string& name) {
  // The library tells mistakes by throwing; nothing of it goes further.
  try {
    const auto table = toml::parse(text, name);
    std::vector<setting> settings;
    if (auto done = flatten_table(table, "", name, settings); !done)
      return done.error();
    return settings;
  } catch (const toml::parse_error& mistake) {
    return error{
      errc::invalid_argument, place(name, mistake.source()) + ": "
                                + std::string{mistake.description()}};
  }
}

} // namespace millrace::cli
