#include "cluster/read_replica.hpp"

#include <tuple>

namespace millrace {

namespace {

bool is_in(const broker_registration* broker, std::string_view rack) {
  return broker != nullptr && broker->rack && *broker->rack == rack;
}

auto rank(const read_candidate& c) {
  return std::tuple{c.log_end, c.caught_up_ms, c.id};
}

} // namespace

bool reads_in_rack(const node_config& config) {
  const auto selector
    = config.set.find(std::string_view{"replica.selector.class"});
  return selector != config.set.end()
         && (selector->second == rack_aware_selector
             || selector->second == rack_aware_short);
}

std::vector<node_id> followers_in_rack(const partition_registration& partition,
  std::string_view rack, const client_view& view, const metadata_image& image) {
  std::vector<node_id> found;
  if (rack.empty() || is_in(image.find_broker(partition.leader), rack))
    return found;
  for (const auto id : partition.replicas)
    if (id != partition.leader && is_in(image.find_broker(id), rack)
        && address_of(id, view, image))
      found.push_back(id);
  return found;
}

std::optional<node_id> choose_read_replica(
  std::span<const read_candidate> candidates, offset from) {
  const read_candidate* best = nullptr;
  for (const auto& c : candidates)
    if (c.log_start <= from && from <= c.log_end
        && (best == nullptr || rank(c) > rank(*best)))
      best = &c;
  return best == nullptr ? std::nullopt : std::optional{best->id};
}

} // namespace millrace
