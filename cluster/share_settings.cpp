#include "cluster/share_settings.hpp"

#include "cluster/config_topic.hpp"
#include "schema/assert.hpp"

#include <charconv>

namespace millrace {

namespace {

constexpr std::string_view by_duration = "by_duration:";

/// A number in front of `text`, which then begins behind it.
std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc{} || number < 0)
    return {};
  text.remove_prefix(static_cast<size_t>(at - text.data()));
  return number;
}

} // namespace

std::optional<int64_t> parse_duration_ms(std::string_view text) {
  if (!text.starts_with('P') || text.size() < 3)
    return {};
  text.remove_prefix(1);
  bool of_day = false; // behind the T
  double ms = 0;
  while (!text.empty()) {
    if (!of_day && text.front() == 'T') {
      of_day = true;
      text.remove_prefix(1);
      if (text.empty())
        return {};
    }
    const auto number = take_number(text);
    if (!number || text.empty())
      return {};
    const char unit = text.front();
    text.remove_prefix(1);
    if (unit == 'D' && !of_day)
      ms += *number * 86'400'000;
    else if (unit == 'H' && of_day)
      ms += *number * 3'600'000;
    else if (unit == 'M' && of_day)
      ms += *number * 60'000;
    else if (unit == 'S' && of_day)
      ms += *number * 1'000;
    else
      return {};
  }
  constexpr double ms_max = 1e15; // longer than any log is old
  return ms <= ms_max ? std::optional{static_cast<int64_t>(ms)} : std::nullopt;
}

std::optional<share_start> parse_share_start(std::string_view text) {
  if (text == "latest")
    return share_start{share_offset_reset::latest};
  if (text == "earliest")
    return share_start{share_offset_reset::earliest};
  if (!text.starts_with(by_duration))
    return {};
  const auto ms = parse_duration_ms(text.substr(by_duration.size()));
  if (!ms)
    return {};
  return share_start{share_offset_reset::by_duration, *ms};
}

share_settings share_settings_of(const std::string& group,
  const metadata_image& image, const node_config& node) {
  static const config_map none;
  const auto* own = image.configs_of(config_resource::group, group);
  const auto& overrides = own != nullptr ? *own : none;
  const auto text = [&](const char* name) {
    const auto* key = find_config_key(config_scope::group, name);
    MILLRACE_ASSERT(
      key != nullptr, "a share group reads only keys of its table");
    return config_text(*key, overrides, image, node);
  };
  const auto number = [&](const char* name) {
    return static_cast<int32_t>(parse_config_integer(text(name)));
  };
  share_settings settings;
  settings.limits = {.delivery_count_max = number("share.delivery.count.limit"),
    .record_locks_max = number("share.partition.max.record.locks"),
    .lock_duration_ms = number("share.record.lock.duration.ms")};
  const auto start = parse_share_start(text("share.auto.offset.reset"));
  MILLRACE_ASSERT(start, "a configuration is checked before it is read");
  settings.reset = start->reset;
  settings.reset_duration_ms = start->duration_ms;
  settings.read_committed = text("share.isolation.level") == "read_committed";
  settings.renews
    = parse_config_boolean(text("share.renew.acknowledge.enable"));
  return settings;
}

} // namespace millrace
