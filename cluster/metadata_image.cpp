#include "cluster/metadata_image.hpp"

#include "cluster/topic_rules.hpp"
#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

void merge(config_map& into, const std::vector<config_change>& changes) {
  for (const auto& change : changes) {
    if (change.value)
      into[change.name] = *change.value;
    else
      into.erase(change.name);
  }
}

} // namespace

bool is_internal_topic(std::string_view name) {
  return name == offsets_topic_name || name == transactions_topic_name
         || name == share_states_topic_name
         || name.starts_with(actor_topic_prefix);
}

void metadata_image::apply(
  const metadata_command& command, int64_t index, int64_t term) {
  MILLRACE_ASSERT(index > applied_index_,
    "the entries of the metadata log are applied once and in order");
  apply_part(command);
  if (const auto* started = std::get_if<broker_registered>(&command)) {
    renew_epochs(started->id);
    brokers_[started->id].standing_since = index;
  } else if (const auto* fenced = std::get_if<broker_fenced>(&command)) {
    auto& broker = brokers_[fenced->id];
    if (broker.broker_epoch == fenced->broker_epoch)
      broker.standing_since = index;
  }
  pass(index, term);
}

void metadata_image::apply_part(const metadata_command& command) {
  std::visit(
    [this](const auto& c) {
      change(c);
    },
    command);
}

void metadata_image::pass(int64_t index, int64_t term) {
  MILLRACE_ASSERT(
    index >= applied_index_, "the metadata log is followed in its order");
  MILLRACE_ASSERT(term >= applied_term_, "terms never fall along the log");
  applied_index_ = index;
  applied_term_ = term;
}

void metadata_image::change_members(
  raft_configuration configuration, int64_t index, int64_t term) {
  configuration_ = std::move(configuration);
  pass(index, term);
}

const broker_registration* metadata_image::find_broker(node_id id) const {
  const auto at = brokers_.find(id);
  return at == brokers_.end() ? nullptr : &at->second;
}

bool metadata_image::is_alive(node_id id) const {
  const auto* broker = find_broker(id);
  return broker != nullptr && !broker->fenced;
}

bool metadata_image::is_active(node_id id) const {
  const auto* broker = find_broker(id);
  return broker != nullptr && !broker->fenced && !broker->shutting_down;
}

const topic_image* metadata_image::find_topic(std::string_view name) const {
  const auto at = topics_.find(name);
  return at == topics_.end() ? nullptr : at->second.get();
}

const topic_image* metadata_image::find_topic(const uuid& id) const {
  const auto at = topics_by_id_.find(id);
  return at == topics_by_id_.end() ? nullptr : at->second.get();
}

const partition_registration* metadata_image::find_partition(
  const uuid& topic, int32_t partition) const {
  const auto* found = find_topic(topic);
  if (found == nullptr || partition < 0
      || static_cast<size_t>(partition) >= found->partitions.size())
    return nullptr;
  return &found->partitions[static_cast<size_t>(partition)];
}

std::string metadata_image::collision_of(std::string_view name) const {
  const auto range = names_in_metrics_.equal_range(metric_name_of(name));
  for (auto at = range.first; at != range.second; ++at)
    if (at->second != name)
      return at->second;
  return {};
}

const config_map* metadata_image::configs_of(
  config_resource type, std::string_view name) const {
  const auto at = configs_.find({type, std::string{name}});
  return at == configs_.end() ? nullptr : &at->second;
}

void metadata_image::insert_topic(topic_image topic) {
  MILLRACE_ASSERT(find_topic(topic.name) == nullptr,
    "a topic is created only where its name is free");
  MILLRACE_ASSERT(
    find_topic(topic.id) == nullptr, "no two topics have the same id");
  for (size_t i = 0; i < topic.partitions.size(); ++i)
    MILLRACE_ASSERT(topic.partitions[i].index == static_cast<int32_t>(i),
      "partitions are numbered without a gap");
  partition_count_ += static_cast<int32_t>(topic.partitions.size());
  names_in_metrics_.emplace(metric_name_of(topic.name), topic.name);
  // Not const: own_topic() may change it.
  topic_image_ptr shared = std::make_shared<topic_image>(std::move(topic));
  topics_by_id_[shared->id] = shared;
  topics_[shared->name] = shared;
}

topic_image& metadata_image::own_topic(const uuid& id) {
  auto& by_id = topics_by_id_.at(id);
  // The two maps here hold it, and perhaps other images. Nobody can begin to
  // share it meanwhile: that takes a copy of this image.
  if (by_id.use_count() > 2) {
    by_id = std::make_shared<topic_image>(*by_id);
    topics_.find(by_id->name)->second = by_id;
  } else {
    // Behind the last access of whoever shared it before: giving this copy up
    // synchronizes with their giving theirs up.
    const auto last = by_id;
  }
  return const_cast<topic_image&>(*by_id);
}

void metadata_image::change(const cluster_created& c) {
  cluster_id_ = c.cluster_id;
}

void metadata_image::change(const topic_created& c) {
  topic_image topic{c.name, c.id, c.partitions, {}};
  merge(topic.configs, c.configs);
  insert_topic(std::move(topic));
}

void metadata_image::change(const topic_deleted& c) {
  const auto at = topics_by_id_.find(c.id);
  MILLRACE_ASSERT(
    at != topics_by_id_.end(), "only a topic that exists is deleted");
  const auto topic = at->second;
  partition_count_ -= static_cast<int32_t>(topic->partitions.size());
  const auto range = names_in_metrics_.equal_range(metric_name_of(topic->name));
  for (auto name = range.first; name != range.second; ++name) {
    if (name->second == topic->name) {
      names_in_metrics_.erase(name);
      break;
    }
  }
  topics_.erase(topic->name);
  topics_by_id_.erase(at);
}

void metadata_image::change(const partitions_added& c) {
  const auto* found = find_topic(c.topic);
  MILLRACE_ASSERT(found != nullptr, "partitions are added to what exists");
  auto& topic = own_topic(c.topic);
  for (const auto& p : c.partitions) {
    MILLRACE_ASSERT(p.index == static_cast<int32_t>(topic.partitions.size()),
      "partitions are numbered without a gap");
    topic.partitions.push_back(p);
  }
  partition_count_ += static_cast<int32_t>(c.partitions.size());
}

void metadata_image::change(const partition_changed& c) {
  const auto* before = find_partition(c.topic, c.partition.index);
  MILLRACE_ASSERT(before != nullptr, "only a partition that exists changes");
  MILLRACE_ASSERT(c.partition.partition_epoch > before->partition_epoch,
    "every change of a partition raises its partition epoch");
  MILLRACE_ASSERT(
    c.partition.epoch >= before->epoch, "leader epochs never fall");
  own_topic(c.topic).partitions[static_cast<size_t>(c.partition.index)]
    = c.partition;
}

void metadata_image::change(const configs_changed& c) {
  if (c.type == config_resource::topic) {
    const auto* found = find_topic(c.name);
    MILLRACE_ASSERT(found != nullptr, "only a topic that exists is configured");
    merge(own_topic(found->id).configs, c.changes);
    return;
  }
  auto& configs = configs_[{c.type, c.name}];
  merge(configs, c.changes);
  if (configs.empty())
    configs_.erase({c.type, c.name});
}

void metadata_image::change(const broker_registered& c) {
  MILLRACE_ASSERT(c.broker_epoch >= next_broker_epoch_,
    "every registration has a broker epoch of its own");
  brokers_[c.id]
    = broker_registration{c.id, c.incarnation, c.directories, c.endpoints,
      c.rack, c.broker_epoch, c.fenced, c.shutting_down, c.standing_since};
  next_broker_epoch_ = c.broker_epoch + 1;
}

/// R7: what a broker appends after its start must not carry an epoch that an
/// earlier incarnation could have used.
void metadata_image::renew_epochs(node_id id) {
  std::vector<uuid> led;
  for (const auto& [name, topic] : topics_)
    if (std::any_of(topic->partitions.begin(), topic->partitions.end(),
          [id](const auto& p) {
            return p.leader == id;
          }))
      led.push_back(topic->id);
  for (const auto& topic : led)
    for (auto& p : own_topic(topic).partitions) {
      if (p.leader != id)
        continue;
      ++p.epoch.value;
      ++p.partition_epoch;
    }
}

void metadata_image::change(const broker_fenced& c) {
  const auto at = brokers_.find(c.id);
  MILLRACE_ASSERT(at != brokers_.end(), "only a registered broker is fenced");
  // A late word about an earlier incarnation says nothing about this one.
  auto& broker = at->second;
  if (broker.broker_epoch != c.broker_epoch)
    return;
  broker.fenced = c.fenced;
  broker.shutting_down = c.shutting_down;
  broker.standing_since = c.standing_since;
}

void metadata_image::change(const broker_removed& c) {
  brokers_.erase(c.id);
}

void metadata_image::change(const producer_ids_allocated& c) {
  MILLRACE_ASSERT(c.first >= next_producer_id_,
    "a producer id is given to one broker only (R14)");
  next_producer_id_ = c.first + int64_t{c.count};
}

void metadata_image::change(const feature_level& c) {
  if (c.level == 0)
    features_.erase(c.name);
  else
    features_[c.name] = c.level;
}

void metadata_image::change(const leadership_began&) {
  // Only its index and term matter.
}

void metadata_image::change(const quotas_changed& c) {
  auto changed = std::make_shared<client_quotas>();
  if (quotas_ != nullptr)
    *changed = *quotas_;
  changed->apply(c);
  quotas_ = changed->empty() ? nullptr : std::move(changed);
}

bool operator==(const metadata_image& a, const metadata_image& b) {
  const auto same_topics = [&] {
    return std::equal(a.topics_.begin(), a.topics_.end(), b.topics_.begin(),
      b.topics_.end(), [](const auto& x, const auto& y) {
        return x.second == y.second || *x.second == *y.second;
      });
  };
  const auto same_quotas = [&] {
    return a.quotas_ == b.quotas_
           || (a.quotas_ != nullptr && b.quotas_ != nullptr
               && *a.quotas_ == *b.quotas_);
  };
  return a.applied_index_ == b.applied_index_
         && a.applied_term_ == b.applied_term_ && a.cluster_id_ == b.cluster_id_
         && a.brokers_ == b.brokers_ && same_topics() && same_quotas()
         && a.configs_ == b.configs_ && a.features_ == b.features_
         && a.configuration_ == b.configuration_
         && a.next_producer_id_ == b.next_producer_id_
         && a.next_broker_epoch_ == b.next_broker_epoch_;
}

} // namespace millrace
