#include "cluster/topic_view.hpp"

#include <algorithm>

namespace millrace {

topic_view::topic_view(int64_t version, std::vector<topic> topics)
    : version_(version), topics_(std::move(topics)) {
  std::ranges::sort(topics_, {}, &topic::name);
  for (const auto& t : topics_)
    by_id_[t.id] = &t;
}

const topic_view::topic* topic_view::find(std::string_view name) const {
  const auto at = std::ranges::lower_bound(topics_, name, {}, &topic::name);
  return at != topics_.end() && at->name == name ? &*at : nullptr;
}

const topic_view::topic* topic_view::find(const uuid& id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

} // namespace millrace
