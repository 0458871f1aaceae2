#include "cluster/topic_rules.hpp"

#include <algorithm>

namespace millrace {

namespace {

bool is_topic_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

} // namespace

std::optional<std::string> why_not_topic_name(std::string_view name) {
  if (name.empty())
    return "Topic name is invalid: the empty string is not allowed";
  if (name == "." || name == "..")
    return "Topic name is invalid: '" + std::string{name} + "' is not allowed";
  if (name.size() > topic_name_bytes_max)
    return "Topic name is invalid: the length of '" + std::string{name}
           + "' is longer than the max allowed length "
           + std::to_string(topic_name_bytes_max);
  if (!std::all_of(name.begin(), name.end(), is_topic_character))
    return "Topic name is invalid: '" + std::string{name}
           + "' contains one or more characters other than ASCII "
             "alphanumerics, "
             "'.', '_' and '-'";
  return std::nullopt;
}

std::string metric_name_of(std::string_view topic) {
  std::string name{topic};
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

} // namespace millrace
