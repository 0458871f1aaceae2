#include "cluster/config_resources.hpp"

namespace millrace {

std::optional<config_scope> config_scope_of(config_resource type) {
  switch (type) {
  case config_resource::topic:
    return config_scope::topic;
  case config_resource::broker:
    return config_scope::broker;
  case config_resource::client_metrics:
    return config_scope::client_metrics;
  case config_resource::group:
    return config_scope::group;
  case config_resource::unknown:
  case config_resource::broker_logger:
    break;
  }
  return {};
}

std::string no_configs_of(int8_t type) {
  return "Configurations of resource type " + std::to_string(type)
         + " are not supported; those of topics (2), brokers (4), client "
           "metrics (16) and groups (32) are.";
}

} // namespace millrace
