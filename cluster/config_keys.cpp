#include "cluster/config_keys.hpp"

#include "cluster/throttled_replicas.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>

namespace millrace {

namespace {

std::string_view trimmed(std::string_view s) {
  const auto is_space = [](char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
  };
  while (!s.empty() && is_space(s.front()))
    s.remove_prefix(1);
  while (!s.empty() && is_space(s.back()))
    s.remove_suffix(1);
  return s;
}

template <class Visit>
void for_each_part(std::string_view text, char separator, Visit visit) {
  while (true) {
    const auto at = text.find(separator);
    visit(text.substr(0, at));
    if (at == std::string_view::npos)
      return;
    text.remove_prefix(at + 1);
  }
}

/// Edit distance in which a swap of neighbours counts as one.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> now(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      now[j]
        = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

bool read_integer(std::string_view text, int64_t& value) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+')
    text.remove_prefix(1);
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, value);
  return failed == std::errc{} && at == end;
}

bool read_real(std::string_view text, double& value) {
  text = trimmed(text);
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, value);
  return failed == std::errc{} && at == end;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x))
           == std::tolower(static_cast<unsigned char>(y));
  });
}

const char* type_name(config_type type) {
  switch (type) {
  case config_type::int16:
    return "SHORT";
  case config_type::int32:
    return "INT";
  case config_type::real:
    return "DOUBLE";
  default:
    return "LONG";
  }
}

error invalid(
  const config_key& key, std::string_view value, const std::string& why) {
  return {errc::invalid_argument, "Invalid value " + std::string{value}
                                    + " for configuration " + key.name + ": "
                                    + why};
}

result<void> check_integer(const config_key& key, std::string_view value) {
  int64_t number = 0;
  bool good = read_integer(value, number);
  if (key.type == config_type::int32)
    good = good && number >= INT32_MIN && number <= INT32_MAX;
  if (key.type == config_type::int16)
    good = good && number >= INT16_MIN && number <= INT16_MAX;
  if (!good)
    return invalid(
      key, value, std::string{"Not a number of type "} + type_name(key.type));
  if (number < key.min)
    return invalid(
      key, value, "Value must be at least " + std::to_string(key.min));
  if (number > key.max)
    return invalid(
      key, value, "Value must be no more than " + std::to_string(key.max));
  if (key.name == std::string_view{"compression.gzip.level"} && number == 0)
    return invalid(key, value, "Value must be between 1 and 9 or equal to -1");
  return {};
}

bool is_choice(const config_key& key, std::string_view word) {
  bool found = false;
  for_each_part(key.choices, '|', [&](std::string_view choice) {
    found = found || choice == word;
  });
  return found;
}

error not_a_choice(const config_key& key, std::string_view value) {
  std::string choices;
  for_each_part(key.choices, '|', [&](std::string_view choice) {
    choices += (choices.empty() ? "" : ", ") + std::string{choice};
  });
  return invalid(key, value, "String must be one of: " + choices);
}

result<void> check_words(const config_key& key, std::string_view value) {
  if (key.names_replicas && !throttled_replicas::parse(value))
    return invalid(key, value,
      std::string{key.name}
        + " must be the literal '*' or a list of replicas in the following "
          "format: [partitionId]:[brokerId],[partitionId]:[brokerId],...");
  if (key.choices == nullptr)
    return {};
  if (key.type != config_type::list)
    return is_choice(key, trimmed(value))
             ? result<void>{}
             : result<void>{not_a_choice(key, value)};
  for (const auto& word : parse_config_list(value))
    if (!is_choice(key, word))
      return not_a_choice(key, word);
  return {};
}

} // namespace

std::span<const config_key> config_keys(config_scope scope) {
  switch (scope) {
  case config_scope::topic:
    return topic_config_keys();
  case config_scope::group:
    return group_config_keys();
  case config_scope::client_metrics:
    return client_metrics_config_keys();
  case config_scope::broker:
    break;
  }
  return broker_config_keys();
}

const config_key* find_config_key(config_scope scope, std::string_view name) {
  const auto keys = config_keys(scope);
  const auto at = std::lower_bound(keys.begin(), keys.end(), name,
    [](const config_key& key, std::string_view wanted) {
      return key.name < wanted;
    });
  return at == keys.end() || at->name != name ? nullptr : &*at;
}

const char* nearest_config_key(config_scope scope, std::string_view name) {
  const char* nearest = nullptr;
  auto best = SIZE_MAX;
  // What nobody would type is not worth comparing at length.
  name = name.substr(0, 100);
  for (const auto& key : config_keys(scope)) {
    const auto d = distance(name, key.name);
    if (key.supported && d < best) {
      best = d;
      nearest = key.name;
    }
  }
  return nearest;
}

namespace {

const char* name_of(config_scope scope) {
  switch (scope) {
  case config_scope::topic:
    return "topic";
  case config_scope::group:
    return "group";
  case config_scope::client_metrics:
    return "client metrics";
  case config_scope::broker:
    break;
  }
  return "broker";
}

} // namespace

std::string unknown_config_key(config_scope scope, std::string_view name) {
  return std::string{"Unknown "} + name_of(scope)
         + " config name: " + std::string{name} + " (the nearest known one is "
         + nearest_config_key(scope, name) + ")";
}

result<void> check_config_value(const config_key& key, std::string_view value) {
  if (!key.supported)
    return error{errc::unsupported,
      "Configuration " + std::string{key.name} + " is not supported yet"};
  switch (key.type) {
  case config_type::boolean:
    if (!same_word(trimmed(value), "true")
        && !same_word(trimmed(value), "false"))
      return invalid(key, value, "Expected value to be either true or false");
    return {};
  case config_type::int16:
  case config_type::int32:
  case config_type::int64:
    return check_integer(key, value);
  case config_type::real: {
    double number = 0;
    if (!read_real(value, number))
      return invalid(key, value, "Not a number of type DOUBLE");
    if (number < static_cast<double>(key.min))
      return invalid(
        key, value, "Value must be at least " + std::to_string(key.min));
    if (number > 1 && key.max == 1)
      return invalid(key, value, "Value must be no more than 1");
    return {};
  }
  default:
    return check_words(key, value);
  }
}

int64_t parse_config_integer(std::string_view value) {
  int64_t number = 0;
  MILLRACE_ASSERT(read_integer(value, number),
    "a configuration is checked before it is read");
  return number;
}

bool parse_config_boolean(std::string_view value) {
  return same_word(trimmed(value), "true");
}

double parse_config_real(std::string_view value) {
  double number = 0;
  MILLRACE_ASSERT(
    read_real(value, number), "a configuration is checked before it is read");
  return number;
}

std::vector<std::string> parse_config_list(std::string_view value) {
  std::vector<std::string> words;
  for_each_part(value, ',', [&](std::string_view word) {
    word = trimmed(word);
    if (!word.empty())
      words.emplace_back(word);
  });
  return words;
}

} // namespace millrace
