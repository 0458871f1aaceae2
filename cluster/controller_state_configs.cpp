#include "cluster/config_resources.hpp"
#include "cluster/config_topic.hpp"
#include "cluster/controller_state.hpp"
#include "cluster/refusal.hpp"
#include "cluster/share_settings.hpp"
#include "cluster/telemetry_subscription.hpp"
#include "cluster/topic_rules.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace millrace {

namespace {

/// What a request names that may be configured.
struct resource {
  config_resource type = config_resource::unknown;
  config_scope scope = config_scope::broker;
  std::string name;
  config_map before;
  bool missing = false; ///< a topic that is not there
};

/// Of a group, or of a subscription to metrics; none needs to be there.
refusal check_name(config_resource type, const std::string& name) {
  constexpr size_t size_max = 255; // it is part of a key in the store
  const std::string what = type == config_resource::group
                             ? "Group name"
                             : "Client metrics subscription name";
  if (name.empty())
    return {kafka_error::invalid_request, what + " must not be empty"};
  if (name.size() > size_max)
    return {kafka_error::invalid_request,
      what + " is longer than " + std::to_string(size_max) + " bytes"};
  return {};
}

refusal find_resource(int8_t type, const std::string& name,
  const metadata_image& image, resource& found) {
  found.type = static_cast<config_resource>(type);
  found.name = name;
  const auto scope = config_scope_of(found.type);
  if (!scope)
    return {kafka_error::invalid_request, no_configs_of(type)};
  found.scope = *scope;
  if (found.type == config_resource::topic) {
    const auto* topic = image.find_topic(name);
    found.missing = topic == nullptr;
    if (topic != nullptr)
      found.before = topic->configs;
    return {};
  }
  if (found.type != config_resource::broker) {
    if (auto refused = check_name(found.type, name))
      return refused;
  } else if (!name.empty()) {
    int32_t id = -1;
    const auto* end = name.data() + name.size();
    const auto [at, failed] = std::from_chars(name.data(), end, id);
    if (failed != std::errc{} || at != end || id < 0)
      return {kafka_error::invalid_request,
        "Unable to parse broker name '" + name + "' as a number."};
    if (image.find_broker({id}) == nullptr)
      return {kafka_error::invalid_request,
        "No broker is registered as " + name + "."};
    found.name = std::to_string(id);
  }
  if (const auto* configs = image.configs_of(found.type, found.name))
    found.before = *configs;
  return {};
}

/// Whether the resource may have these overrides, old and new ones. That there
/// is such a topic is what Kafka asks last.
refusal check_configs(const resource& of, const config_map& after) {
  if (of.type == config_resource::topic) {
    if (of.name.empty())
      return {kafka_error::invalid_request,
        "Default topic resources are not allowed."};
    if (auto why = why_not_topic_name(of.name))
      return {kafka_error::invalid_topic_exception, std::move(*why)};
    if (auto why = why_not_topic_configs(after))
      return {kafka_error::invalid_config, *why};
    if (of.missing)
      return {kafka_error::unknown_topic_or_partition,
        "The topic '" + of.name + "' does not exist."};
    return {};
  }
  for (const auto& [name, value] : after) {
    const auto* key = find_config_key(of.scope, name);
    if (key == nullptr)
      return {kafka_error::invalid_config, unknown_config_key(of.scope, name)};
    if (!key->dynamic)
      return {kafka_error::invalid_request,
        "Cannot update these configs dynamically: [" + name + "]"};
    if (const auto checked = check_config_value(*key, value); !checked)
      // As Kafka says it of brokers; of topics it says INVALID_CONFIG.
      return {of.type == config_resource::group ? kafka_error::invalid_config
                                                : kafka_error::invalid_request,
        checked.error().context};
  }
  constexpr const char* start_key = "share.auto.offset.reset";
  if (const auto it = after.find(std::string_view{start_key});
    of.type == config_resource::group && it != after.end()
    && !parse_share_start(it->second))
    return {kafka_error::invalid_config,
      "Invalid value " + it->second + " for configuration " + start_key
        + ": latest, earliest or by_duration:DURATION is"};
  if (of.type == config_resource::client_metrics)
    if (auto fault = fault_of_telemetry(after); !fault.empty())
      return {kafka_error::invalid_config, std::move(fault)};
  return {};
}

configs_changed difference(const resource& of, const config_map& after) {
  configs_changed change{of.type, of.name, {}};
  for (const auto& [name, value] : of.before)
    if (after.find(name) == after.end())
      change.changes.push_back({name, std::nullopt});
  for (const auto& [name, value] : after) {
    const auto at = of.before.find(name);
    if (at == of.before.end() || at->second != value)
      change.changes.push_back({name, value});
  }
  return change;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words)
    text += (text.empty() ? "" : ",") + word;
  return text;
}

/// What APPEND and SUBTRACT start from: the override, else the default.
std::vector<std::string> list_now(
  const config_key& key, const config_map& overrides) {
  const auto at = overrides.find(std::string_view{key.name});
  if (at != overrides.end())
    return parse_config_list(at->second);
  return parse_config_list(
    key.default_value == nullptr ? "" : key.default_value);
}

constexpr int8_t op_set = 0;
constexpr int8_t op_delete = 1;
constexpr int8_t op_append = 2;
constexpr int8_t op_subtract = 3;

refusal change_list(const resource& of, const std::string& name,
  const std::string& value, bool append, config_map& after) {
  const auto* key = find_config_key(of.scope, name);
  const auto verb = append ? "APPEND" : "SUBTRACT";
  if (key == nullptr || key->type != config_type::list)
    return {kafka_error::invalid_config, std::string{"Can't "} + verb
                                           + " to key " + name
                                           + " because its type is not LIST."};
  auto words = list_now(*key, after);
  for (const auto& word : parse_config_list(value)) {
    const auto at = std::find(words.begin(), words.end(), word);
    if (append && at == words.end())
      words.push_back(word);
    else if (!append && at != words.end())
      words.erase(at);
  }
  after[name] = joined(words);
  return {};
}

using alterable = kafka::incremental_alter_configs_request::alterable_config;

refusal apply_operations(const resource& of,
  const std::vector<alterable>& operations, config_map& after) {
  std::set<std::string> seen;
  for (const auto& operation : operations) {
    if (!seen.insert(operation.name).second)
      return {kafka_error::invalid_request,
        "Error due to duplicate config keys: " + operation.name};
    if (operation.config_operation != op_delete && !operation.value)
      return {kafka_error::invalid_request,
        "Null value not supported for : " + operation.name};
  }
  for (const auto& operation : operations) {
    switch (operation.config_operation) {
    case op_set:
      after[operation.name] = *operation.value;
      break;
    case op_delete:
      after.erase(operation.name);
      break;
    case op_append:
    case op_subtract:
      if (auto refused = change_list(of, operation.name, *operation.value,
            operation.config_operation == op_append, after))
        return refused;
      break;
    default:
      return {kafka_error::invalid_request,
        "Unknown operation type " + std::to_string(operation.config_operation)};
    }
  }
  return {};
}

template <class Resource>
std::set<std::pair<int8_t, std::string>> named_twice(
  const std::vector<Resource>& resources) {
  std::set<std::pair<int8_t, std::string>> once;
  std::set<std::pair<int8_t, std::string>> twice;
  for (const auto& r : resources)
    if (!once.insert({r.resource_type, r.resource_name}).second)
      twice.insert({r.resource_type, r.resource_name});
  return twice;
}

/// The part that both requests share: `edit` turns what is into what is
/// wanted.
template <class Response, class Request, class Edit>
metadata_decision<Response> decide_configs(
  const Request& request, const metadata_image& image, Edit edit) {
  metadata_decision<Response> decided;
  const auto twice = named_twice(request.resources);
  std::set<std::pair<int8_t, std::string>> refused_twice;
  for (const auto& wanted : request.resources) {
    const std::pair key{wanted.resource_type, wanted.resource_name};
    refusal refused;
    resource found;
    config_map after;
    if (twice.count(key) != 0) {
      if (!refused_twice.insert(key).second)
        continue;
      refused = {kafka_error::invalid_request,
        "Each resource must appear at most once."};
    }
    if (!refused)
      refused = find_resource(
        wanted.resource_type, wanted.resource_name, image, found);
    if (!refused) {
      after = found.before;
      refused = edit(wanted, found, after);
    }
    if (!refused)
      refused = check_configs(found, after);
    auto& answer = decided.reply.responses.emplace_back();
    answer.resource_type = wanted.resource_type;
    answer.resource_name = wanted.resource_name;
    answer.error_message.reset();
    if (refused) {
      answer.error_code = static_cast<int16_t>(refused.error);
      answer.error_message = std::move(refused.message);
      continue;
    }
    auto change = difference(found, after);
    if (!request.validate_only && !change.changes.empty())
      decided.records.push_back(std::move(change));
  }
  return decided;
}

} // namespace

metadata_decision<kafka::alter_configs_response> controller_state::decide(
  const kafka::alter_configs_request& request) const {
  auto decided = decide_configs<kafka::alter_configs_response>(request, image_,
    [](const auto& wanted, const resource&, config_map& after) -> refusal {
      // Replaces everything: what is not named is taken away.
      after.clear();
      for (const auto& config : wanted.configs) {
        if (!config.value)
          return {kafka_error::invalid_request,
            "Null value not supported for : " + config.name};
        if (!after.emplace(config.name, *config.value).second)
          return {kafka_error::invalid_request,
            "Error due to duplicate config keys: " + config.name};
      }
      return {};
    });
  for (auto& command : follow_configs(decided.records))
    decided.records.push_back(std::move(command));
  return decided;
}

metadata_decision<kafka::incremental_alter_configs_response>
controller_state::decide(
  const kafka::incremental_alter_configs_request& request) const {
  auto decided
    = decide_configs<kafka::incremental_alter_configs_response>(request, image_,
      [](const auto& wanted, const resource& of, config_map& after) {
        return apply_operations(of, wanted.configs, after);
      });
  for (auto& command : follow_configs(decided.records))
    decided.records.push_back(std::move(command));
  return decided;
}

} // namespace millrace
