#include "cluster/share_assignor.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace millrace {

namespace {

using partition_name = std::pair<uuid, int32_t>;

/// Gives partitions that have an owner to members without any.
class sharing {
public:
  sharing(const assignor_input& input, const partition_set& ready,
    group_assignment& targets)
      : input_(input), ready_(ready), targets_(targets) {
    for (const auto& [id, target] : targets_)
      for_each(target, [&](const partition_name& name) {
        ++counts_[name];
      });
    for (const auto& [id, member] : input_.members)
      for (const auto& topic : member.topics)
        ++subscribers_[topic];
  }

  void run() {
    // Who comes back to what it had goes first, as far as that is everybody's
    // due, so that nobody is moved by the order of names.
    for (auto& [id, target] : targets_)
      if (target.empty())
        keep(input_.members.at(id), target);
    for (auto& [id, target] : targets_)
      if (target.empty())
        take_least(input_.members.at(id), target);
  }

private:
  template <class Visit>
  static void for_each(const partition_set& set, Visit visit) {
    for (const auto& [topic, partitions] : set)
      for (const auto partition : partitions)
        visit(partition_name{topic, partition});
  }
  [[nodiscard]] bool may_have(
    const assignor_member& member, const uuid& topic) const {
    return std::ranges::binary_search(member.topics, topic);
  }
  /// How many each partition of a topic has at least, if they are spread.
  [[nodiscard]] int32_t due(const uuid& topic) const {
    const auto all = input_.topics.find(topic);
    const auto asking = subscribers_.find(topic);
    return all == input_.topics.end() || asking == subscribers_.end()
               || all->second == 0
             ? 0
             : asking->second / all->second;
  }
  void give(partition_set& target, const partition_name& name) {
    insert(target, name.first, name.second);
    ++counts_[name];
  }
  void keep(const assignor_member& member, partition_set& target) {
    std::optional<partition_name> kept;
    for_each(common_to(member.owned, ready_), [&](const partition_name& name) {
      if (!kept && may_have(member, name.first)
          && counts_[name] < due(name.first))
        kept = name;
    });
    if (kept)
      give(target, *kept);
  }
  void take_least(const assignor_member& member, partition_set& target) {
    std::optional<partition_name> best;
    const auto better = [&](const partition_name& name) {
      if (counts_[name] != counts_[*best])
        return counts_[name] < counts_[*best];
      return contains(member.owned, name.first, name.second)
             && !contains(member.owned, best->first, best->second);
    };
    for (const auto& topic : member.topics)
      if (const auto it = ready_.find(topic); it != ready_.end())
        for (const auto partition : it->second)
          if (const partition_name name{topic, partition};
            !best || better(name))
            best = name;
    if (best)
      give(target, *best);
  }

  const assignor_input& input_;
  const partition_set& ready_;
  group_assignment& targets_;
  std::map<partition_name, int32_t> counts_;
  std::map<uuid, int32_t> subscribers_;
};

} // namespace

group_assignment assign_simple(
  const assignor_input& input, const partition_set& ready) {
  auto targets = assign_uniform(input);
  for (auto& [id, target] : targets)
    target = common_to(target, ready);
  sharing{input, ready, targets}.run();
  return targets;
}

} // namespace millrace
