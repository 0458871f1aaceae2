// DescribeClientQuotas (KIP-546).

#include "cluster/metadata_answers.hpp"
#include "cluster/refusal.hpp"

namespace millrace {

namespace {

using describe_request = kafka::describe_client_quotas_request;
using describe_response = kafka::describe_client_quotas_response;

constexpr int8_t match_exact = 0;
constexpr int8_t match_default = 1;
constexpr int8_t match_specified = 2;

/// Of each type that is asked for: the name (none: the default), or that any
/// name will do.
struct wanted_part {
  bool any = false;
  std::optional<std::string> name;
};
using filter = std::map<std::string, wanted_part>;

refusal read_component(
  const describe_request::component_data& component, filter& wanted) {
  const auto& type = component.entity_type;
  const auto invalid = [](std::string why) {
    return refusal{kafka_error::invalid_request, std::move(why)};
  };
  if (type.empty())
    return invalid("Invalid empty entity type.");
  if (wanted.contains(type))
    return invalid(
      "Entity type " + type + " cannot appear more than once in the filter.");
  if (type != quota_user && type != quota_client_id && type != quota_ip)
    return {
      kafka_error::unsupported_version, "Unsupported entity type " + type};
  const bool exact = component.match_type == match_exact;
  if (component.match_type < match_exact
      || component.match_type > match_specified)
    return invalid(
      "Unknown match type " + std::to_string(component.match_type));
  if (exact != component.match.has_value())
    return invalid(exact ? "An exact match needs a name to match."
                         : "Only an exact match has a name to match.");
  wanted[type] = {component.match_type == match_specified, component.match};
  return {};
}

refusal read_filter(const describe_request& request, filter& wanted) {
  for (const auto& component : request.components)
    if (auto refused = read_component(component, wanted))
      return refused;
  if (wanted.contains(quota_ip) && wanted.size() > 1)
    return {kafka_error::invalid_request,
      "Invalid entity filter component combination. IP filter component "
      "should not be used with user or clientId filter component."};
  return {};
}

bool matches(const quota_entity& entity, const filter& wanted, bool strict) {
  for (const auto& [type, part] : wanted) {
    const auto at = entity.find(type);
    if (at == entity.end() || (!part.any && at->second != part.name))
      return false;
  }
  return !strict || entity.size() == wanted.size();
}

} // namespace

describe_response answer_describe_client_quotas(
  const describe_request& request, const metadata_image& image) {
  describe_response response;
  filter wanted;
  if (auto refused = read_filter(request, wanted)) {
    response.error_code = static_cast<int16_t>(refused.error);
    response.error_message = std::move(refused.message);
    response.entries.reset();
    return response;
  }
  auto& entries = response.entries.emplace();
  if (image.quotas() == nullptr)
    return response;
  for (const auto& [entity, values] : image.quotas()->all()) {
    if (!matches(entity, wanted, request.strict))
      continue;
    auto& entry = entries.emplace_back();
    for (const auto& [type, name] : entity)
      entry.entity.push_back({type, name});
    for (const auto& [key, value] : values)
      entry.values.push_back({key, value});
  }
  return response;
}

} // namespace millrace
