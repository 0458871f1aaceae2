#include "cluster/config_topic.hpp"

#include "schema/assert.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace millrace {

namespace {

std::optional<std::string> shown(
  const config_key& key, std::optional<std::string> value) {
  return key.sensitive ? std::nullopt : std::move(value);
}

/// A number as Java writes it, for what a configuration may hold.
std::string real_text(double value) {
  std::array<char, 64> text{};
  const auto end
    = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  std::string shortest{text.data(), end};
  if (shortest.find_first_of(".e") == std::string::npos)
    shortest += ".0";
  return shortest;
}

/// A topic's value is shown as it is understood, not as it was set.
std::string understood(const config_key& key, std::string text) {
  switch (key.type) {
  case config_type::boolean:
    return parse_config_boolean(text) ? "true" : "false";
  case config_type::int32:
  case config_type::int64:
    return std::to_string(parse_config_integer(text));
  case config_type::real:
    return real_text(parse_config_real(text));
  default:
    return text;
  }
}

void add_override(described_config& to, const config_key& key,
  const config_map* overrides, config_source source) {
  if (overrides == nullptr)
    return;
  const auto at = overrides->find(std::string_view{key.name});
  if (at != overrides->end())
    to.synonyms.push_back({key.name, shown(key, at->second), source});
}

/// Every place that has a value for a broker key or for what it falls back to,
/// which may have other units: place by place, the winner first, and nothing
/// before the first that has the key itself.
void add_broker_synonyms(described_config& to, const config_key& key,
  const metadata_image& image, const node_config& node) {
  std::vector<const config_key*> keys{&key};
  while (keys.back()->fallback_key != nullptr)
    keys.push_back(
      find_config_key(config_scope::broker, keys.back()->fallback_key));
  const auto before = static_cast<std::ptrdiff_t>(to.synonyms.size());
  const auto add = [&](const config_map* overrides, config_source source) {
    for (const auto* each : keys)
      add_override(to, *each, overrides, source);
  };
  add(image.configs_of(config_resource::broker, std::to_string(node.id.value)),
    config_source::dynamic_broker);
  add(image.configs_of(config_resource::broker, ""),
    config_source::dynamic_default_broker);
  add(&node.set, config_source::static_broker);
  for (const auto* each : keys)
    if (each->default_value != nullptr)
      to.synonyms.push_back(
        {each->name, each->default_value, config_source::default_value});
  const auto begin = to.synonyms.begin() + before;
  to.synonyms.erase(
    begin, std::find_if(begin, to.synonyms.end(), [&](const auto& synonym) {
      return synonym.name == key.name;
    }));
}

class effective {
public:
  effective(const config_map& overrides, const metadata_image& image,
    const node_config& node)
      : overrides_(overrides),
        dynamic_(image.configs_of(
          config_resource::broker, std::to_string(node.id.value))),
        dynamic_default_(image.configs_of(config_resource::broker, "")),
        static_(node.set) {}

  std::string text(const char* name) const {
    const auto* key = find_config_key(config_scope::topic, name);
    MILLRACE_ASSERT(key != nullptr, "a topic reads only keys of its table");
    return text(*key);
  }
  /// As describe_config() decides it, without the synonyms.
  std::string text(const config_key& wanted) const {
    const auto* key = &wanted;
    if (const auto at = overrides_.find(std::string_view{key->name});
      at != overrides_.end())
      return at->second;
    int64_t factor = 1;
    const auto* at = key->broker_key == nullptr
                       ? nullptr
                       : find_config_key(config_scope::broker, key->broker_key);
    while (at != nullptr) {
      if (auto value = broker_text(*at)) {
        if (factor == 1)
          return *value;
        const auto number = parse_config_integer(*value);
        return std::to_string(number < 0 ? -1 : number * factor);
      }
      if (at->fallback_key == nullptr)
        break;
      factor *= at->fallback_factor;
      at = find_config_key(config_scope::broker, at->fallback_key);
    }
    return key->default_value;
  }
  template <class Int>
  Int integer(const char* name) const {
    return static_cast<Int>(parse_config_integer(text(name)));
  }
  bool boolean(const char* name) const {
    return parse_config_boolean(text(name));
  }
  /// They have no default on brokers.
  throttled_replicas replicas(const char* name) const {
    const auto at = overrides_.find(std::string_view{name});
    if (at == overrides_.end())
      return {};
    auto parsed = throttled_replicas::parse(at->second);
    MILLRACE_ASSERT(parsed, "a configuration is checked before it is read");
    return *parsed;
  }

private:
  std::optional<std::string> broker_text(const config_key& key) const {
    for (const auto* map : {dynamic_, dynamic_default_, &static_}) {
      if (map == nullptr)
        continue;
      const auto at = map->find(std::string_view{key.name});
      if (at != map->end())
        return at->second;
    }
    if (key.default_value != nullptr)
      return key.default_value;
    return std::nullopt;
  }

  const config_map& overrides_;
  const config_map* dynamic_;
  const config_map* dynamic_default_;
  const config_map& static_;
};

durability_mode durability_of(const std::string& word) {
  if (word == "os")
    return durability_mode::os;
  return word == "fsync-always" ? durability_mode::fsync_always
                                : durability_mode::fsync;
}

} // namespace

described_config describe_config(const config_key& key,
  const config_map& overrides, config_source source,
  const metadata_image& image, const node_config& node) {
  described_config described;
  described.key = &key;
  add_override(described, key, &overrides, source);
  if (key.broker_key != nullptr)
    add_broker_synonyms(described,
      *find_config_key(config_scope::broker, key.broker_key), image, node);
  if (!described.synonyms.empty())
    described.source = described.synonyms.front().source;
  // Which a fallback may give that is no synonym.
  described.value
    = understood(key, effective{overrides, image, node}.text(key));
  if (overrides.find(std::string_view{key.name}) != overrides.end())
    described.synonyms.front().value = described.value;
  return described;
}

std::string config_text(const config_key& key, const config_map& overrides,
  const metadata_image& image, const node_config& node) {
  return effective{overrides, image, node}.text(key);
}

described_config describe_broker_config(
  const config_key& key, const metadata_image& image, const node_config& node) {
  described_config described;
  described.key = &key;
  add_broker_synonyms(described, key, image, node);
  if (!described.synonyms.empty()) {
    described.source = described.synonyms.front().source;
    described.value = described.synonyms.front().value;
  }
  return described;
}

topic_config effective_topic_config(const config_map& overrides,
  const metadata_image& image, const node_config& node) {
  const effective from{overrides, image, node};
  topic_config c;
  c.retention_ms = from.integer<int64_t>("retention.ms");
  c.retention_bytes = from.integer<int64_t>("retention.bytes");
  c.segment_bytes = from.integer<int32_t>("segment.bytes");
  c.segment_ms = from.integer<int64_t>("segment.ms");
  c.segment_jitter_ms = from.integer<int64_t>("segment.jitter.ms");
  c.segment_index_bytes = from.integer<int32_t>("segment.index.bytes");
  c.index_interval_bytes = from.integer<int32_t>("index.interval.bytes");
  c.message_bytes_max = from.integer<int32_t>("max.message.bytes");
  c.log_append_time = from.text("message.timestamp.type") == "LogAppendTime";
  c.timestamp_before_ms_max
    = from.integer<int64_t>("message.timestamp.before.max.ms");
  c.timestamp_after_ms_max
    = from.integer<int64_t>("message.timestamp.after.max.ms");
  c.min_insync_replicas = from.integer<int32_t>("min.insync.replicas");
  c.compression_type = from.text("compression.type");
  c.gzip_level = from.integer<int32_t>("compression.gzip.level");
  c.lz4_level = from.integer<int32_t>("compression.lz4.level");
  c.zstd_level = from.integer<int32_t>("compression.zstd.level");
  const auto policies = parse_config_list(from.text("cleanup.policy"));
  const auto has = [&policies](const char* policy) {
    return std::find(policies.begin(), policies.end(), policy)
           != policies.end();
  };
  c.cleanup_delete = has("delete");
  c.cleanup_compact = has("compact");
  c.delete_retention_ms = from.integer<int64_t>("delete.retention.ms");
  c.min_compaction_lag_ms = from.integer<int64_t>("min.compaction.lag.ms");
  c.max_compaction_lag_ms = from.integer<int64_t>("max.compaction.lag.ms");
  c.min_cleanable_dirty_ratio
    = parse_config_real(from.text("min.cleanable.dirty.ratio"));
  c.flush_messages = from.integer<int64_t>("flush.messages");
  c.flush_ms = from.integer<int64_t>("flush.ms");
  c.file_delete_delay_ms = from.integer<int64_t>("file.delete.delay.ms");
  c.preallocate = from.boolean("preallocate");
  c.unclean_leader_election = from.boolean("unclean.leader.election.enable");
  c.durability = durability_of(from.text("millrace.durability"));
  c.throttled_leaders = from.replicas("leader.replication.throttled.replicas");
  c.throttled_followers
    = from.replicas("follower.replication.throttled.replicas");
  return c;
}

topic_config effective_topic_config(const metadata_image& image,
  const node_config& node, std::string_view topic) {
  static const config_map none;
  const auto* found = image.find_topic(topic);
  return effective_topic_config(
    found == nullptr ? none : found->configs, image, node);
}

std::optional<std::string> why_not_topic_configs(const config_map& overrides) {
  for (const auto& [name, value] : overrides) {
    const auto* key = find_config_key(config_scope::topic, name);
    if (key == nullptr)
      return unknown_config_key(config_scope::topic, name);
    if (const auto checked = check_config_value(*key, value); !checked)
      return checked.error().context;
  }
  const auto number = [&](const char* name, int64_t otherwise) {
    const auto at = overrides.find(name);
    return at == overrides.end() ? otherwise : parse_config_integer(at->second);
  };
  const auto least = number("min.compaction.lag.ms", 0);
  const auto most = number("max.compaction.lag.ms", INT64_MAX);
  if (least > most)
    return "conflict topic config setting min.compaction.lag.ms ("
           + std::to_string(least) + ") > max.compaction.lag.ms ("
           + std::to_string(most) + ")";
  return std::nullopt;
}

} // namespace millrace
