#include "cluster/metadata_difference.hpp"

#include <algorithm>

namespace millrace {

namespace {

std::vector<config_change> config_difference(
  const config_map& from, const config_map& to) {
  std::vector<config_change> changes;
  for (const auto& [name, value] : from)
    if (to.find(name) == to.end())
      changes.push_back({name, std::nullopt});
  for (const auto& [name, value] : to)
    if (const auto at = from.find(name);
      at == from.end() || at->second != value)
      changes.push_back({name, value});
  return changes;
}

std::vector<config_change> changes_of(const config_map& configs) {
  return config_difference({}, configs);
}

class differ {
public:
  differ(const metadata_image& from, const metadata_image& to)
      : from_(from), to_(to) {}

  std::vector<metadata_command> run() {
    if (from_.cluster_id() != to_.cluster_id())
      add(cluster_created{to_.cluster_id()});
    brokers();
    gone_topics();
    for (const auto& [name, topic] : to_.topics()) {
      const auto* before = from_.find_topic(topic->id);
      if (before == nullptr)
        add(topic_created{topic->name, topic->id, topic->partitions,
          changes_of(topic->configs)});
      else if (before != topic.get())
        changed_topic(*before, *topic);
    }
    configs();
    quotas();
    rest();
    return std::move(commands_);
  }

private:
  void add(metadata_command command) {
    commands_.push_back(std::move(command));
  }

  void brokers() {
    for (const auto& [id, broker] : from_.brokers())
      if (to_.find_broker(id) == nullptr)
        add(broker_removed{id});
    std::vector<const broker_registration*> started;
    for (const auto& [id, broker] : to_.brokers()) {
      const auto* before = from_.find_broker(id);
      if (before == nullptr || before->broker_epoch != broker.broker_epoch)
        started.push_back(&broker);
      else if (*before != broker)
        add(broker_fenced{id, broker.broker_epoch, broker.fenced,
          broker.shutting_down, broker.standing_since});
    }
    // Broker epochs only rise.
    std::sort(started.begin(), started.end(), [](const auto* a, const auto* b) {
      return a->broker_epoch < b->broker_epoch;
    });
    for (const auto* b : started)
      add(broker_registered{b->id, b->incarnation, b->directories, b->endpoints,
        b->rack, b->broker_epoch, b->fenced, b->shutting_down,
        b->standing_since});
  }

  /// First of all, as a name may have been used again.
  void gone_topics() {
    for (const auto& [name, topic] : from_.topics())
      if (to_.find_topic(topic->id) == nullptr)
        add(topic_deleted{topic->id});
  }

  void changed_topic(const topic_image& before, const topic_image& after) {
    const auto known = before.partitions.size();
    for (size_t i = 0; i < known; ++i)
      if (before.partitions[i] != after.partitions[i])
        add(partition_changed{after.id, after.partitions[i]});
    if (after.partitions.size() > known)
      add(partitions_added{
        after.id, {after.partitions.begin() + static_cast<ptrdiff_t>(known),
                    after.partitions.end()}});
    if (before.configs != after.configs)
      add(configs_changed{config_resource::topic, after.name,
        config_difference(before.configs, after.configs)});
  }

  void configs() {
    static const config_map none;
    const auto change = [this](const metadata_image::config_owner& owner) {
      const auto& [type, name] = owner;
      const auto* before = from_.configs_of(type, name);
      const auto* after = to_.configs_of(type, name);
      auto changes = config_difference(
        before != nullptr ? *before : none, after != nullptr ? *after : none);
      if (!changes.empty())
        add(configs_changed{type, name, std::move(changes)});
    };
    for (const auto& [owner, overrides] : from_.all_configs())
      change(owner);
    for (const auto& [owner, overrides] : to_.all_configs())
      if (!from_.all_configs().contains(owner))
        change(owner);
  }

  void quotas() {
    static const client_quotas none;
    const auto& before = from_.quotas();
    const auto& after = to_.quotas();
    if (before == after)
      return;
    auto changed = difference(
      before != nullptr ? *before : none, after != nullptr ? *after : none);
    if (!changed.entities.empty())
      add(std::move(changed));
  }

  void rest() {
    const auto given
      = to_.next_producer_id().value - from_.next_producer_id().value;
    // In blocks that fit their field.
    for (int64_t done = 0; done < given;) {
      const auto count = std::min<int64_t>(given - done, INT32_MAX);
      add(producer_ids_allocated{{from_.next_producer_id().value + done},
        static_cast<int32_t>(count), no_node});
      done += count;
    }
    for (const auto& [name, level] : from_.features())
      if (to_.features().find(name) == to_.features().end())
        add(feature_level{name, 0});
    for (const auto& [name, level] : to_.features())
      if (const auto at = from_.features().find(name);
        at == from_.features().end() || at->second != level)
        add(feature_level{name, level});
  }

  const metadata_image& from_;
  const metadata_image& to_;
  std::vector<metadata_command> commands_;
};

} // namespace

std::vector<metadata_command> difference(
  const metadata_image& from, const metadata_image& to) {
  return differ{from, to}.run();
}

} // namespace millrace
