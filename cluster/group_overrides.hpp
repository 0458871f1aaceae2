#pragma once

// What single groups are configured to (resources of type GROUP), beside what
// all groups of a node are.

#include "cluster/group_config.hpp"

#include <map>
#include <string>

namespace millrace {

/// Overrides by key, of groups by their names.
using group_overrides
  = std::map<std::string, std::map<std::string, std::string, std::less<>>>;

[[nodiscard]] consumer_group_config overridden(consumer_group_config config,
  const std::map<std::string, std::string, std::less<>>& overrides);
[[nodiscard]] share_group_config overridden(share_group_config config,
  const std::map<std::string, std::string, std::less<>>& overrides);

/// A configuration for all groups, and others for some.
template <class Config>
class configs_by_group {
public:
  explicit configs_by_group(Config config) : all_(std::move(config)) {}

  /// Instead of what was overridden before.
  void set(const group_overrides& overrides) {
    some_.clear();
    for (const auto& [group, own] : overrides)
      some_.emplace(group, overridden(all_, own));
  }
  [[nodiscard]] const Config& of(const std::string& group) const {
    const auto it = some_.find(group);
    return it == some_.end() ? all_ : it->second;
  }
  [[nodiscard]] const Config& all() const {
    return all_;
  }

private:
  Config all_;
  std::map<std::string, Config> some_;
};

} // namespace millrace
