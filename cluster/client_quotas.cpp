#include "cluster/client_quotas.hpp"

namespace millrace {

namespace {

std::optional<double> value_in(
  const quota_values* values, std::string_view key) {
  if (values == nullptr)
    return std::nullopt;
  const auto at = values->find(key);
  return at == values->end() ? std::nullopt : std::optional{at->second};
}

void note_changes(const quota_entity& entity, const quota_values& from,
  const quota_values& to, quotas_changed& into) {
  quotas_changed::entity_quotas changed{entity, {}};
  for (const auto& [key, value] : from)
    if (to.find(key) == to.end())
      changed.changes.push_back({key, std::nullopt});
  for (const auto& [key, value] : to)
    if (const auto at = from.find(key); at == from.end() || at->second != value)
      changed.changes.push_back({key, value});
  if (!changed.changes.empty())
    into.entities.push_back(std::move(changed));
}

} // namespace

void client_quotas::apply(const quotas_changed& change) {
  for (const auto& [entity, changes] : change.entities) {
    auto& values = all_[entity];
    for (const auto& [key, value] : changes) {
      if (value)
        values[key] = *value;
      else
        values.erase(key);
    }
    if (values.empty())
      all_.erase(entity);
  }
}

const quota_values* client_quotas::of(const quota_entity& entity) const {
  const auto at = all_.find(entity);
  return at == all_.end() ? nullptr : &at->second;
}

std::optional<quota_limit> client_quotas::find(
  std::string_view key, const quota_client& client) const {
  using name = std::optional<std::string>;
  const name any;
  const name& user = client.user;
  const name& id = client.client_id;
  for (const auto& of_user : {user, any}) {
    for (const auto& of_client : {id, any})
      if (const auto rate = value_in(
            of({{quota_user, of_user}, {quota_client_id, of_client}}), key))
        return quota_limit{*rate, user, id};
    if (const auto rate = value_in(of({{quota_user, of_user}}), key))
      return quota_limit{*rate, user, any};
  }
  for (const auto& of_client : {id, any})
    if (const auto rate = value_in(of({{quota_client_id, of_client}}), key))
      return quota_limit{*rate, any, id};
  return std::nullopt;
}

std::optional<double> client_quotas::connection_rate(
  const std::string& ip) const {
  if (const auto own = value_in(of({{quota_ip, ip}}), connection_creation_rate))
    return own;
  return value_in(of({{quota_ip, std::nullopt}}), connection_creation_rate);
}

quotas_changed difference(const client_quotas& from, const client_quotas& to) {
  static const quota_values none;
  quotas_changed changed;
  for (const auto& [entity, values] : from.all()) {
    const auto* after = to.of(entity);
    note_changes(entity, values, after != nullptr ? *after : none, changed);
  }
  for (const auto& [entity, values] : to.all())
    if (from.of(entity) == nullptr)
      note_changes(entity, none, values, changed);
  return changed;
}

} // namespace millrace
