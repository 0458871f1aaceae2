#include "apps/cli/settings.hpp"

#include "cluster/config_keys.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace millrace::cli {

result<std::vector<setting>> read_settings(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file)
    return error{errno == ENOENT ? errc::not_found : errc::io_error,
      "cannot read the configuration " + path + ": " + std::strerror(errno)};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (file.bad())
    return error{errc::io_error, "cannot read the configuration " + path};
  return path.ends_with(".toml") ? parse_toml(text, path)
                                 : parse_properties(text, path);
}

std::string variable_name(std::string_view key) {
  std::string name = "MILLRACE_";
  // The keys of our own have the prefix already.
  if (key.starts_with("millrace."))
    key.remove_prefix(9);
  for (unsigned char c : key)
    name += c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

std::vector<setting> settings_of_environment(const char* const* environment) {
  std::map<std::string, std::string> keys;
  for (const auto& key : config_keys(config_scope::broker))
    keys[variable_name(key.name)] = key.name;
  std::vector<setting> settings;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry{*environment};
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos)
      continue;
    // Others of that prefix are not ours: container platforms set them.
    const auto key = keys.find(std::string{entry.substr(0, equals)});
    if (key != keys.end())
      settings.push_back({key->second, std::string{entry.substr(equals + 1)},
        "the environment's " + key->first});
  }
  return settings;
}

result<std::map<std::string, std::string>> merge_settings(
  const std::vector<setting>& settings) {
  std::map<std::string, std::string> merged;
  for (const auto& s : settings) {
    const auto* key = find_config_key(config_scope::broker, s.key);
    if (key == nullptr)
      return error{errc::invalid_argument,
        s.where + ": " + unknown_config_key(config_scope::broker, s.key)};
    if (auto good = check_config_value(*key, s.value); !good)
      return error{good.error().code, s.where + ": " + good.error().context};
    merged[s.key] = s.value;
  }
  return merged;
}

} // namespace millrace::cli
