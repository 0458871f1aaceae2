#include "apps/client/config_admin.hpp"

#include "apps/client/refusal.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::client {
namespace {

const char* source_name(int8_t source) {
  switch (source) {
  case 1:
    return "topic";
  case 2:
    return "broker";
  case 3:
    return "all-brokers";
  case 4:
    return "file";
  case 5:
    return "default";
  default:
    return "unknown";
  }
}

/// A broker's file is known to it alone; everything else to any node.
result<broker_connection*> connection_for(
  cluster& nodes, const config_resource& resource) {
  int32_t id = -1;
  const auto& name = resource.name;
  std::from_chars(name.data(), name.data() + name.size(), id);
  if (resource.type == config_resource::kind::broker && id >= 0)
    return nodes.node(id);
  return nodes.controller();
}

/// One request to the node that answers for `resource`.
template <class Request>
result<typename exchange<Request>::response> ask_for(
  cluster& nodes, const config_resource& resource, const Request& request) {
  return with_retries(nodes.options().timeout_ms,
    [&](int ms) -> result<typename exchange<Request>::response> {
      auto to = connection_for(nodes, resource);
      if (!to)
        return to.error();
      auto answer = (*to)->call(request, ms);
      if (!answer)
        nodes.drop_all();
      return answer;
    });
}

} // namespace

std::string to_string(const config_resource& resource) {
  if (resource.type == config_resource::kind::topic)
    return "topic '" + resource.name + "'";
  return resource.name.empty() ? "all brokers" : "broker " + resource.name;
}

result<std::vector<config_entry>> describe_configs(
  cluster& nodes, const config_resource& resource) {
  kafka::describe_configs_request request;
  request.include_documentation = true;
  auto& wanted = request.resources.emplace_back();
  wanted.resource_type = static_cast<int8_t>(resource.type);
  wanted.resource_name = resource.name;
  wanted.configuration_keys.reset();
  auto answer = ask_for(nodes, resource, request);
  if (!answer)
    return answer.error();
  std::vector<config_entry> entries;
  for (const auto& one : answer->results) {
    if (one.error_code != 0)
      return refused(one.error_code,
        "read the configuration of " + to_string(resource), one.error_message);
    for (const auto& c : one.configs)
      entries.push_back({c.name, c.is_sensitive ? std::nullopt : c.value,
        source_name(c.config_source), c.read_only, c.is_sensitive,
        c.documentation.value_or("")});
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.name < b.name;
  });
  return entries;
}

result<void> alter_configs(cluster& nodes, const config_resource& resource,
  const std::vector<config_change>& changes) {
  kafka::incremental_alter_configs_request request;
  auto& altered = request.resources.emplace_back();
  altered.resource_type = static_cast<int8_t>(resource.type);
  altered.resource_name = resource.name;
  for (const auto& change : changes)
    altered.configs.push_back(
      {change.name, static_cast<int8_t>(change.value ? 0 : 1), change.value});
  auto answer = ask_for(nodes, resource, request);
  if (!answer)
    return answer.error();
  for (const auto& one : answer->responses)
    if (one.error_code != 0)
      return refused(one.error_code,
        "change the configuration of " + to_string(resource),
        one.error_message);
  return {};
}

} // namespace millrace::client
