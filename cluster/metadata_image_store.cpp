#include "cluster/metadata_image_store.hpp"

#include "schema/metadata_head.hpp"

namespace millrace {

namespace {

// Keys: m/h the head, m/t<16 bytes> a topic, m/b<4 bytes> a broker, m/c<name>
// dynamic configurations of a broker, m/q all quotas. Numbers are big-endian,
// so that the order of the keys is the order of the numbers.

std::string key_of(char kind) {
  return std::string{metadata_image_prefix} + kind;
}

void append_number(std::string& to, uint64_t number, int bytes) {
  for (int i = bytes - 1; i >= 0; --i)
    to += static_cast<char>(number >> (8 * i));
}

std::string topic_key(const uuid& id) {
  auto key = key_of('t');
  append_number(key, id.high, 8);
  append_number(key, id.low, 8);
  return key;
}

std::string broker_key(node_id id) {
  auto key = key_of('b');
  append_number(key, static_cast<uint32_t>(id.value), 4);
  return key;
}

/// Brokers came first, and have a kind of their own.
std::string config_key_of(const metadata_image::config_owner& owner) {
  const auto& [type, name] = owner;
  if (type == config_resource::broker)
    return key_of('c') + name;
  return key_of('r') + static_cast<char>(type) + name;
}

std::string value_of(const shared_bytes& bytes) {
  return std::string{bytes.text()};
}

std::vector<config_change> changes_of(const config_map& configs) {
  std::vector<config_change> changes;
  for (const auto& [name, value] : configs)
    changes.push_back({name, value});
  return changes;
}

image_write write_topic(const uuid& id, const metadata_image& image) {
  const auto* topic = image.find_topic(id);
  if (topic == nullptr)
    return {topic_key(id), std::nullopt};
  return {topic_key(id),
    value_of(encode(metadata_command{topic_created{topic->name, topic->id,
      topic->partitions, changes_of(topic->configs)}}))};
}

image_write write_broker(node_id id, const metadata_image& image) {
  const auto* b = image.find_broker(id);
  if (b == nullptr)
    return {broker_key(id), std::nullopt};
  return {broker_key(id),
    value_of(encode(metadata_command{broker_registered{b->id, b->incarnation,
      b->directories, b->endpoints, b->rack, b->broker_epoch, b->fenced,
      b->shutting_down, b->standing_since}}))};
}

image_write write_configs(
  const metadata_image::config_owner& owner, const metadata_image& image) {
  const auto* configs = image.configs_of(owner.first, owner.second);
  if (configs == nullptr)
    return {config_key_of(owner), std::nullopt};
  return {config_key_of(owner),
    value_of(encode(metadata_command{
      configs_changed{owner.first, owner.second, changes_of(*configs)}}))};
}

/// All of them in one: names of users and clients may be longer than a key,
/// and there are few.
image_write write_quotas(const metadata_image& image) {
  if (image.quotas() == nullptr)
    return {key_of('q'), std::nullopt};
  return {key_of('q'), value_of(encode(metadata_command{
                         difference(client_quotas{}, *image.quotas())}))};
}

image_write write_head(const metadata_image& image, const uuid& log_id) {
  metadata_head head;
  head.applied_index = image.applied_index();
  head.applied_term = image.applied_term();
  head.log_id = log_id;
  head.cluster_id = image.cluster_id();
  head.next_producer_id = image.next_producer_id();
  head.next_broker_epoch = image.next_broker_epoch();
  for (const auto& [name, level] : image.features())
    head.features.push_back({name, level});
  head.configuration = image.configuration();
  return {key_of('h'), value_of(encode(head))};
}

error image_error(const std::string& what) {
  return {errc::corrupt, "metadata image: " + what};
}

} // namespace

void metadata_image_changes::note(
  const metadata_command& command, const metadata_image& after) {
  any_ = true;
  if (const auto* created = std::get_if<topic_created>(&command)) {
    topics_.insert(created->id);
  } else if (const auto* deleted = std::get_if<topic_deleted>(&command)) {
    topics_.insert(deleted->id);
  } else if (const auto* added = std::get_if<partitions_added>(&command)) {
    topics_.insert(added->topic);
  } else if (const auto* changed = std::get_if<partition_changed>(&command)) {
    topics_.insert(changed->topic);
  } else if (const auto* configs = std::get_if<configs_changed>(&command)) {
    if (configs->type != config_resource::topic)
      configs_.insert({configs->type, configs->name});
    else if (const auto* topic = after.find_topic(configs->name))
      topics_.insert(topic->id);
  } else if (const auto* broker = std::get_if<broker_registered>(&command)) {
    brokers_.insert(broker->id);
    // R7 has given new epochs to all that it leads.
    for (const auto& [name, topic] : after.topics())
      for (const auto& p : topic->partitions)
        if (p.leader == broker->id) {
          topics_.insert(topic->id);
          break;
        }
  } else if (const auto* fenced = std::get_if<broker_fenced>(&command)) {
    brokers_.insert(fenced->id);
  } else if (const auto* removed = std::get_if<broker_removed>(&command)) {
    brokers_.insert(removed->id);
  } else if (std::holds_alternative<quotas_changed>(command)) {
    quotas_ = true;
  }
  // All else is in the head, which every commit writes.
}

bool metadata_image_changes::empty() const {
  return !any_;
}

std::vector<image_write> metadata_image_changes::take(
  const metadata_image& image, const uuid& log_id) {
  std::vector<image_write> writes;
  if (!any_)
    return writes;
  writes.reserve(size() + 1);
  for (const auto& id : topics_)
    writes.push_back(write_topic(id, image));
  for (const auto& id : brokers_)
    writes.push_back(write_broker(id, image));
  for (const auto& owner : configs_)
    writes.push_back(write_configs(owner, image));
  if (quotas_)
    writes.push_back(write_quotas(image));
  writes.push_back(write_head(image, log_id));
  topics_.clear();
  brokers_.clear();
  configs_.clear();
  quotas_ = false;
  any_ = false;
  return writes;
}

std::vector<image_write> all_image_writes(
  const metadata_image& image, const uuid& log_id) {
  std::vector<image_write> writes;
  for (const auto& [name, topic] : image.topics())
    writes.push_back(write_topic(topic->id, image));
  for (const auto& [id, broker] : image.brokers())
    writes.push_back(write_broker(id, image));
  for (const auto& [owner, configs] : image.all_configs())
    writes.push_back(write_configs(owner, image));
  if (image.quotas() != nullptr)
    writes.push_back(write_quotas(image));
  writes.push_back(write_head(image, log_id));
  return writes;
}

result<void> metadata_image_loader::add(
  std::string_view key, std::string_view value) {
  if (key.substr(0, metadata_image_prefix.size()) != metadata_image_prefix
      || key.size() <= metadata_image_prefix.size())
    return image_error("a key that is none of its own");
  any_ = true;
  const char kind = key[metadata_image_prefix.size()];
  const auto bytes = shared_bytes::copy_of(value);
  if (kind == 'h') {
    auto head = decode_metadata_head(bytes);
    if (!head)
      return head.error();
    has_head_ = true;
    log_id_ = head->log_id;
    image_.applied_index_ = head->applied_index;
    image_.applied_term_ = head->applied_term;
    image_.configuration_ = head->configuration;
    image_.cluster_id_ = head->cluster_id;
    image_.next_producer_id_ = head->next_producer_id;
    image_.next_broker_epoch_ = head->next_broker_epoch;
    for (const auto& feature : head->features)
      image_.features_[feature.name] = feature.level;
    return {};
  }
  auto command = decode_metadata_command(bytes);
  if (!command)
    return command.error();
  if (const auto* t = std::get_if<topic_created>(&*command);
    t != nullptr && kind == 't') {
    if (topic_key(t->id) != key || image_.find_topic(t->name) != nullptr)
      return image_error("topic " + t->name + " is there twice");
    for (size_t i = 0; i < t->partitions.size(); ++i)
      if (t->partitions[i].index != static_cast<int32_t>(i))
        return image_error("topic " + t->name + " lacks a partition");
    image_.change(*t);
    return {};
  }
  if (const auto* b = std::get_if<broker_registered>(&*command);
    b != nullptr && kind == 'b') {
    image_.brokers_[b->id] = broker_registration{b->id, b->incarnation,
      b->directories, b->endpoints, b->rack, b->broker_epoch, b->fenced,
      b->shutting_down, b->standing_since};
    return {};
  }
  if (const auto* c = std::get_if<configs_changed>(&*command);
    c != nullptr && (kind == 'c' || kind == 'r')
    && config_key_of({c->type, c->name}) == key) {
    image_.change(*c);
    return {};
  }
  if (const auto* q = std::get_if<quotas_changed>(&*command);
    q != nullptr && kind == 'q') {
    image_.change(*q);
    return {};
  }
  return image_error(
    std::string{"key kind "} + kind + " holds " + name_of(*command));
}

result<std::optional<metadata_image_loader::loaded>>
metadata_image_loader::finish() {
  if (!any_)
    return std::optional<loaded>{};
  if (!has_head_)
    return image_error("its head is missing");
  return std::optional<loaded>{loaded{std::move(image_), log_id_}};
}

} // namespace millrace
