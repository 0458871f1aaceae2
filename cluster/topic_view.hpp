#pragma once

// The topics that exist, as the coordinator of groups sees them.

#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Immutable; a change of topics is a new view with a higher version.
class topic_view {
public:
  struct topic {
    std::string name;
    uuid id;
    int32_t partitions = 0;

    bool operator==(const topic&) const = default;
  };

  topic_view() = default;
  /// @param version of the metadata that the topics are from
  topic_view(int64_t version, std::vector<topic> topics);
  topic_view(const topic_view&) = delete; // the indexes point into it
  topic_view& operator=(const topic_view&) = delete;

  [[nodiscard]] int64_t version() const {
    return version_;
  }
  /// In order of their names.
  [[nodiscard]] const std::vector<topic>& topics() const {
    return topics_;
  }
  /// Null if there is none.
  [[nodiscard]] const topic* find(std::string_view name) const;
  [[nodiscard]] const topic* find(const uuid& id) const;

private:
  int64_t version_ = 0;
  std::vector<topic> topics_;
  std::map<uuid, const topic*> by_id_;
};

} // namespace millrace
