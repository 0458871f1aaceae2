#include "cluster/config_resources.hpp"
#include "cluster/config_topic.hpp"
#include "cluster/metadata_answers.hpp"
#include "cluster/topic_rules.hpp"
#include "schema/kafka_error.hpp"

#include <algorithm>

namespace millrace {

namespace {

using wanted_resource
  = kafka::describe_configs_request::describe_configs_resource;
using resource_answer
  = kafka::describe_configs_response::describe_configs_result;

void refuse(resource_answer& answer, kafka_error error,
  std::optional<std::string> message) {
  answer.error_code = static_cast<int16_t>(error);
  answer.error_message = std::move(message);
}

/// Null and empty both ask for every key.
bool is_wanted(const wanted_resource& wanted, std::string_view key) {
  const auto& keys = wanted.configuration_keys;
  return !keys || keys->empty()
         || std::find(keys->begin(), keys->end(), key) != keys->end();
}

void add(resource_answer& answer, described_config described,
  const kafka::describe_configs_request& request) {
  const auto& key = *described.key;
  auto& config = answer.configs.emplace_back();
  config.name = key.name;
  config.value = key.sensitive ? std::nullopt : std::move(described.value);
  config.read_only = key.scope == config_scope::broker && !key.dynamic;
  config.config_source = static_cast<int8_t>(described.source);
  config.is_sensitive = key.sensitive;
  config.config_type = static_cast<int8_t>(key.type);
  config.documentation.reset();
  if (request.include_documentation)
    config.documentation = key.documentation;
  if (!request.include_synonyms)
    return;
  for (auto& synonym : described.synonyms)
    config.synonyms.push_back({std::move(synonym.name),
      std::move(synonym.value), static_cast<int8_t>(synonym.source)});
}

void describe_topic(resource_answer& answer, const wanted_resource& wanted,
  const kafka::describe_configs_request& request, const metadata_image& image,
  const node_config& node) {
  if (auto why = why_not_topic_name(wanted.resource_name)) {
    refuse(answer, kafka_error::invalid_topic_exception, std::move(why));
    return;
  }
  const auto* topic = image.find_topic(wanted.resource_name);
  if (topic == nullptr) {
    refuse(answer, kafka_error::unknown_topic_or_partition,
      "This server does not host this topic-partition.");
    return;
  }
  for (const auto& key : topic_config_keys())
    if (key.supported && is_wanted(wanted, key.name))
      add(answer,
        describe_config(
          key, topic->configs, config_source::dynamic_topic, image, node),
        request);
}

/// The defaults for all brokers: only what was set dynamically.
void describe_all_brokers(resource_answer& answer,
  const wanted_resource& wanted, const kafka::describe_configs_request& request,
  const metadata_image& image) {
  const auto* configs = image.configs_of(config_resource::broker, "");
  if (configs == nullptr)
    return;
  for (const auto& [name, value] : *configs) {
    const auto* key = find_config_key(config_scope::broker, name);
    if (key == nullptr || !is_wanted(wanted, name))
      continue;
    described_config described;
    described.key = key;
    described.value = value;
    described.source = config_source::dynamic_default_broker;
    described.synonyms.push_back({name, value, described.source});
    add(answer, std::move(described), request);
  }
}

void describe_broker(resource_answer& answer, const wanted_resource& wanted,
  const kafka::describe_configs_request& request, const metadata_image& image,
  const node_config& node) {
  if (wanted.resource_name.empty()) {
    describe_all_brokers(answer, wanted, request, image);
    return;
  }
  const auto self = std::to_string(node.id.value);
  if (wanted.resource_name != self) {
    refuse(answer, kafka_error::invalid_request,
      "Unexpected broker id, expected " + self
        + " or empty string, but received " + wanted.resource_name);
    return;
  }
  for (const auto& key : broker_config_keys())
    if (key.supported && is_wanted(wanted, key.name))
      add(answer, describe_broker_config(key, image, node), request);
}

/// A group, or a subscription to metrics: all its keys, whether there is one
/// of this name or not.
void describe_named(resource_answer& answer, const wanted_resource& wanted,
  const kafka::describe_configs_request& request, const metadata_image& image,
  const node_config& node) {
  const auto type = static_cast<config_resource>(wanted.resource_type);
  const bool is_group = type == config_resource::group;
  if (wanted.resource_name.empty()) {
    refuse(answer, kafka_error::invalid_request,
      is_group ? "Group name must not be empty"
               : "Client metrics subscription name must not be empty");
    return;
  }
  static const config_map none;
  const auto* overrides = image.configs_of(type, wanted.resource_name);
  const auto source
    = is_group ? config_source::group : config_source::client_metrics;
  for (const auto& key : config_keys(*config_scope_of(type)))
    if (is_wanted(wanted, key.name))
      add(answer,
        describe_config(
          key, overrides != nullptr ? *overrides : none, source, image, node),
        request);
}

/// Whether Kafka has configurations of such things.
bool is_config_resource(int8_t type) {
  switch (static_cast<config_resource>(type)) {
  case config_resource::topic:
  case config_resource::broker:
  case config_resource::broker_logger:
  case config_resource::client_metrics:
  case config_resource::group:
    return true;
  default:
    return false;
  }
}

} // namespace

kafka::describe_configs_response answer_describe_configs(
  const kafka::describe_configs_request& request, const client_view&,
  const metadata_image& image, const node_config& node) {
  kafka::describe_configs_response response;
  // One resource of a type that there is not makes all of it a wrong request.
  const bool wrong = std::any_of(
    request.resources.begin(), request.resources.end(), [](const auto& wanted) {
      return !is_config_resource(wanted.resource_type);
    });
  for (const auto& wanted : request.resources) {
    auto& answer = response.results.emplace_back();
    answer.resource_type = wanted.resource_type;
    answer.resource_name = wanted.resource_name;
    if (wrong) {
      refuse(answer, kafka_error::invalid_request,
        "The request names a type of resource that there is not.");
      continue;
    }
    switch (static_cast<config_resource>(wanted.resource_type)) {
    case config_resource::topic:
      describe_topic(answer, wanted, request, image, node);
      break;
    case config_resource::broker:
      describe_broker(answer, wanted, request, image, node);
      break;
    case config_resource::group:
    case config_resource::client_metrics:
      describe_named(answer, wanted, request, image, node);
      break;
    default:
      refuse(answer, kafka_error::invalid_request,
        no_configs_of(wanted.resource_type));
    }
  }
  return response;
}

kafka::list_config_resources_response answer_list_config_resources(
  const kafka::list_config_resources_request& request, const client_view& view,
  const metadata_image& image) {
  kafka::list_config_resources_response response;
  // v0 asks for client metrics only.
  const auto wants = [&](config_resource type) {
    const auto& types = request.resource_types;
    if (view.version == 0)
      return type == config_resource::client_metrics;
    return types.empty()
           || std::find(types.begin(), types.end(), static_cast<int8_t>(type))
                != types.end();
  };
  for (const auto type : request.resource_types)
    if (!is_config_resource(type)) {
      response.error_code
        = static_cast<int16_t>(kafka_error::unsupported_version);
      return response;
    }
  if (wants(config_resource::topic))
    for (const auto& [name, topic] : image.topics())
      response.config_resources.push_back(
        {name, static_cast<int8_t>(config_resource::topic)});
  for (const auto type :
    {config_resource::broker, config_resource::broker_logger})
    if (wants(type))
      for (const auto& [id, broker] : image.brokers())
        response.config_resources.push_back(
          {std::to_string(id.value), static_cast<int8_t>(type)});
  for (const auto& [owner, configs] : image.all_configs())
    if (owner.first != config_resource::broker && wants(owner.first))
      response.config_resources.push_back(
        {owner.second, static_cast<int8_t>(owner.first)});
  return response;
}

} // namespace millrace
