// AlterClientQuotas (KIP-546): what may be a quota, and of whom.

#include "cluster/controller_state.hpp"
#include "cluster/quota_address.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace millrace {

namespace {

using alter_request = kafka::alter_client_quotas_request;

/// A quota's key: of whom it may be, and whether it is a whole number.
struct quota_key {
  std::string_view name;
  bool of_addresses;
  bool whole;
};

constexpr quota_key quota_keys[] = {
  {producer_byte_rate, false, true},
  {consumer_byte_rate, false, true},
  {request_percentage, false, false},
  {controller_mutation_rate, false, false},
  {connection_creation_rate, true, true},
};

refusal invalid(std::string why) {
  return {kafka_error::invalid_request, std::move(why)};
}

/// Of each type the name that comes last, as Kafka takes it.
quota_entity entity_of(const std::vector<alter_request::entity_data>& parts) {
  quota_entity entity;
  for (const auto& [type, name] : parts)
    entity.insert_or_assign(type, name);
  return entity;
}

/// Writes an address as all of its forms are written.
refusal read_entity(quota_entity& entity) {
  if (entity.empty())
    return invalid("Invalid empty client quota entity");
  for (const auto& [type, name] : entity) {
    if (type != quota_user && type != quota_client_id && type != quota_ip)
      return invalid("Unhandled client quota entity type: " + type);
    if (name && name->empty())
      return invalid("Empty " + type + " not supported");
  }
  const auto ip = entity.find(quota_ip);
  if (ip == entity.end())
    return {};
  if (entity.size() != 1)
    return invalid("Invalid quota entity combination, IP entity should not be "
                   "combined with User or ClientId");
  if (ip->second) {
    auto address = canonical_address(*ip->second);
    if (!address)
      return invalid(*ip->second + " is not a valid IP.");
    ip->second = std::move(*address);
  }
  return {};
}

refusal check_value(
  const quota_entity& entity, const std::string& key, double value) {
  constexpr double epsilon = 1e-6;
  constexpr double whole_max = 9.2e18; // about 2^63; infinity is more
  const bool of_addresses = entity.find(quota_ip) != entity.end();
  const auto* known = std::find_if(
    std::begin(quota_keys), std::end(quota_keys), [&](const auto& k) {
      return k.name == key && k.of_addresses == of_addresses;
    });
  if (known == std::end(quota_keys))
    return invalid("Invalid configuration key " + key);
  if (!(value > 0)) // also what is no number
    return invalid("Quota " + key + " must be greater than 0");
  if (value > whole_max)
    return invalid("Proposed value for " + key + " is too large");
  if (known->whole && std::abs(std::round(value) - value) > epsilon)
    return invalid(key + " cannot be a fractional value.");
  return {};
}

const quota_values& values_now(
  const metadata_image& image, const quota_entity& entity) {
  static const quota_values none;
  const auto* values
    = image.quotas() != nullptr ? image.quotas()->of(entity) : nullptr;
  return values != nullptr ? *values : none;
}

refusal read_changes(const std::vector<alter_request::op_data>& operations,
  const quota_entity& entity, const quota_values& before,
  std::vector<quota_change>& changes) {
  std::set<std::string> seen;
  for (const auto& [key, value, remove] : operations) {
    if (!seen.insert(key).second)
      return invalid("Duplicate quota key " + key);
    std::optional<double> now;
    if (const auto at = before.find(key); at != before.end())
      now = at->second;
    if (!remove)
      if (auto refused = check_value(entity, key, value))
        return refused;
    const auto wanted = remove ? std::nullopt : std::optional{value};
    if (wanted != now)
      changes.push_back({key, wanted});
  }
  return {};
}

std::set<quota_entity> named_twice(const alter_request& request) {
  std::set<quota_entity> once;
  std::set<quota_entity> twice;
  for (const auto& wanted : request.entries) {
    auto entity = entity_of(wanted.entity);
    if (!read_entity(entity) && !once.insert(entity).second)
      twice.insert(entity);
  }
  return twice;
}

} // namespace

metadata_decision<kafka::alter_client_quotas_response> controller_state::decide(
  const alter_request& request) const {
  metadata_decision<kafka::alter_client_quotas_response> decided;
  quotas_changed command;
  const auto twice = named_twice(request);
  for (const auto& wanted : request.entries) {
    auto entity = entity_of(wanted.entity);
    auto& answer = decided.reply.entries.emplace_back();
    for (const auto& [type, name] : entity)
      answer.entity.push_back({type, name});
    quotas_changed::entity_quotas changed;
    auto refused = read_entity(entity);
    if (!refused && twice.contains(entity))
      refused = invalid("Ignoring duplicate entity");
    if (!refused)
      refused = read_changes(
        wanted.ops, entity, values_now(image_, entity), changed.changes);
    answer.error_message.reset();
    if (refused) {
      answer.error_code = static_cast<int16_t>(refused.error);
      answer.error_message = std::move(refused.message);
    } else if (!changed.changes.empty()) {
      changed.entity = std::move(entity);
      command.entities.push_back(std::move(changed));
    }
  }
  if (!request.validate_only && !command.entities.empty())
    decided.records.push_back(std::move(command));
  return decided;
}

} // namespace millrace
