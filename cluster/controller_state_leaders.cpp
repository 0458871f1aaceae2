// Who leads, and with whom in sync, when something else has changed.

#include "cluster/controller_state.hpp"

#include <algorithm>

namespace millrace {

namespace {

using commands = std::vector<metadata_command>;

/// Whether it may change who can lead, or who still has everything.
bool concerns_replication(const metadata_command& command) {
  const auto* configs = std::get_if<configs_changed>(&command);
  return configs != nullptr
         && std::any_of(configs->changes.begin(), configs->changes.end(),
           [](const auto& change) {
             return change.name == "min.insync.replicas"
                    || change.name == "unclean.leader.election.enable";
           });
}

} // namespace

broker_standings controller_state::standings() const {
  return {image_, heard_, {}, no_node, {}};
}

commands controller_state::settle(const broker_standings& brokers,
  const std::function<bool(const partition_registration&)>& concerns,
  bool may_be_unclean) const {
  commands all;
  const replication_rules_finder finder{image_, node_};
  for (const auto& [name, topic] : image_.topics()) {
    std::optional<replication_rules> rules;
    for (const auto& p : topic->partitions) {
      if (!concerns(p))
        continue;
      if (!rules) {
        rules = finder.of(topic->configs);
        rules->unclean = rules->unclean && may_be_unclean;
      }
      if (auto next = settled(p, brokers, *rules))
        all.push_back(partition_changed{topic->id, std::move(*next)});
    }
  }
  return all;
}

commands controller_state::decide_heard(node_id id) const {
  return settle(standings(), [&](const auto& p) {
    return p.leader == id
           && (!p.cut_short.empty()
               || std::any_of(p.isr.begin(), p.isr.end(), [&](node_id member) {
                    return !image_.is_active(member);
                  }));
  });
}

commands controller_state::decide_rest() const {
  return settle(standings(), [&](const auto& p) {
    return p.leader == no_node || !image_.is_active(p.leader);
  });
}

commands controller_state::follow_configs(const commands& changes) const {
  if (std::none_of(changes.begin(), changes.end(), concerns_replication))
    return {};
  auto image = image_;
  for (const auto& command : changes)
    image.apply_part(command);
  const controller_state after{node_, std::move(image), new_uuid_, heard_};
  auto all = after.decide_rest();
  // With a lower minimum the leader goes on without those who were eligible.
  const replication_rules_finder finder{after.image_, node_};
  for (const auto& [name, topic] : after.image_.topics()) {
    const auto rules = finder.of(topic->configs);
    for (const auto& p : topic->partitions) {
      if (p.eligible.empty() || p.leader == no_node
          || static_cast<int32_t>(p.isr.size()) < rules.min_isr)
        continue;
      auto next = p;
      next.eligible.clear();
      if (auto changed = numbered(p, std::move(next), rules))
        all.push_back(partition_changed{topic->id, std::move(*changed)});
    }
  }
  return all;
}

} // namespace millrace
