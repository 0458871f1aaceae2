#include "schema/metadata_command.hpp"

#include "schema/capnp_bytes.hpp"
#include "schema/metadata_parts.hpp"

namespace millrace {

namespace {

using metadata_parts::count;
using metadata_parts::read;
using metadata_parts::write;

// -- writing ---------------------------------------------------------------

void write(capnp::List<wire::ConfigChange>::Builder out,
  const std::vector<config_change>& changes) {
  for (unsigned i = 0; i < out.size(); ++i) {
    out[i].setName(text(changes[i].name));
    out[i].setRemoved(!changes[i].value);
    if (changes[i].value)
      out[i].setValue(text(*changes[i].value));
  }
}

void write(wire::EntityQuotas::Builder out,
  const quotas_changed::entity_quotas& quotas) {
  auto entity = out.initEntity(count(quotas.entity.size()));
  unsigned i = 0;
  for (const auto& [type, name] : quotas.entity) {
    entity[i].setType(text(type));
    entity[i].setIsDefault(!name);
    if (name)
      entity[i].setName(text(*name));
    ++i;
  }
  auto changes = out.initChanges(count(quotas.changes.size()));
  for (i = 0; i < changes.size(); ++i) {
    const auto& change = quotas.changes[i];
    changes[i].setKey(text(change.key));
    changes[i].setRemoved(!change.value);
    changes[i].setValue(change.value.value_or(0));
  }
}

struct command_writer {
  wire::Command::Builder out;

  void operator()(const cluster_created& c) {
    out.setClusterCreated(text(c.cluster_id));
  }
  void operator()(const topic_created& c) {
    auto to = out.initTopicCreated();
    to.setName(text(c.name));
    write(to.initId(), c.id);
    write(to.initPartitions(count(c.partitions.size())), c.partitions);
    write(to.initConfigs(count(c.configs.size())), c.configs);
  }
  void operator()(const topic_deleted& c) {
    write(out.initTopicDeleted(), c.id);
  }
  void operator()(const partitions_added& c) {
    auto to = out.initPartitionsAdded();
    write(to.initTopic(), c.topic);
    write(to.initPartitions(count(c.partitions.size())), c.partitions);
  }
  void operator()(const partition_changed& c) {
    auto to = out.initPartitionChanged();
    write(to.initTopic(), c.topic);
    write(to.initPartition(), c.partition);
  }
  void operator()(const configs_changed& c) {
    auto to = out.initConfigsChanged();
    to.setType(static_cast<int8_t>(c.type));
    to.setName(text(c.name));
    write(to.initChanges(count(c.changes.size())), c.changes);
  }
  void operator()(const broker_registered& c) {
    write(out.initBrokerRegistered(), c);
  }
  void operator()(const broker_fenced& c) {
    auto to = out.initBrokerFenced();
    to.setId(c.id.value);
    to.setBrokerEpoch(c.broker_epoch);
    to.setFenced(c.fenced);
    to.setShuttingDown(c.shutting_down);
  }
  void operator()(const broker_removed& c) {
    out.setBrokerRemoved(c.id.value);
  }
  void operator()(const producer_ids_allocated& c) {
    auto to = out.initProducerIdsAllocated();
    to.setFirst(c.first.value);
    to.setCount(c.count);
    to.setBroker(c.broker.value);
  }
  void operator()(const feature_level& c) {
    auto to = out.initFeatureLevel();
    to.setName(text(c.name));
    to.setLevel(c.level);
  }
  void operator()(const leadership_began& c) {
    out.setLeadershipBegan(c.leader.value);
  }
  void operator()(const quotas_changed& c) {
    auto to = out.initQuotasChanged().initEntities(count(c.entities.size()));
    for (unsigned i = 0; i < to.size(); ++i)
      write(to[i], c.entities[i]);
  }
};

// -- reading ---------------------------------------------------------------

std::vector<config_change> read(capnp::List<wire::ConfigChange>::Reader from) {
  std::vector<config_change> changes;
  changes.reserve(from.size());
  for (auto c : from) {
    auto& change = changes.emplace_back();
    change.name = string_of(c.getName());
    if (!c.getRemoved())
      change.value = string_of(c.getValue());
  }
  return changes;
}

quotas_changed read(wire::QuotasChanged::Reader from) {
  quotas_changed c;
  c.entities.reserve(from.getEntities().size());
  for (auto e : from.getEntities()) {
    auto& quotas = c.entities.emplace_back();
    for (auto part : e.getEntity()) {
      auto& name = quotas.entity[string_of(part.getType())];
      if (!part.getIsDefault())
        name = string_of(part.getName());
    }
    for (auto change : e.getChanges()) {
      auto& to = quotas.changes.emplace_back();
      to.key = string_of(change.getKey());
      if (!change.getRemoved())
        to.value = change.getValue();
    }
  }
  return c;
}

result<metadata_command> read(wire::Command::Reader from) {
  switch (from.which()) {
  case wire::Command::NONE:
    return error{errc::corrupt, "metadata command without a kind"};
  case wire::Command::CLUSTER_CREATED:
    return metadata_command{
      cluster_created{string_of(from.getClusterCreated())}};
  case wire::Command::TOPIC_CREATED: {
    auto c = from.getTopicCreated();
    return metadata_command{topic_created{string_of(c.getName()),
      read(c.getId()), read(c.getPartitions()), read(c.getConfigs())}};
  }
  case wire::Command::TOPIC_DELETED:
    return metadata_command{topic_deleted{read(from.getTopicDeleted())}};
  case wire::Command::PARTITIONS_ADDED: {
    auto c = from.getPartitionsAdded();
    return metadata_command{
      partitions_added{read(c.getTopic()), read(c.getPartitions())}};
  }
  case wire::Command::PARTITION_CHANGED: {
    auto c = from.getPartitionChanged();
    return metadata_command{
      partition_changed{read(c.getTopic()), read(c.getPartition())}};
  }
  case wire::Command::CONFIGS_CHANGED: {
    auto c = from.getConfigsChanged();
    return metadata_command{
      configs_changed{static_cast<config_resource>(c.getType()),
        string_of(c.getName()), read(c.getChanges())}};
  }
  case wire::Command::BROKER_REGISTERED:
    return metadata_command{read(from.getBrokerRegistered())};
  case wire::Command::BROKER_FENCED: {
    auto c = from.getBrokerFenced();
    return metadata_command{broker_fenced{
      {c.getId()}, c.getBrokerEpoch(), c.getFenced(), c.getShuttingDown()}};
  }
  case wire::Command::BROKER_REMOVED:
    return metadata_command{broker_removed{{from.getBrokerRemoved()}}};
  case wire::Command::PRODUCER_IDS_ALLOCATED: {
    auto c = from.getProducerIdsAllocated();
    return metadata_command{
      producer_ids_allocated{{c.getFirst()}, c.getCount(), {c.getBroker()}}};
  }
  case wire::Command::FEATURE_LEVEL: {
    auto c = from.getFeatureLevel();
    return metadata_command{
      feature_level{string_of(c.getName()), c.getLevel()}};
  }
  case wire::Command::LEADERSHIP_BEGAN:
    return metadata_command{leadership_began{{from.getLeadershipBegan()}}};
  case wire::Command::QUOTAS_CHANGED:
    return metadata_command{read(from.getQuotasChanged())};
  }
  return error{errc::unsupported,
    "metadata command number "
      + std::to_string(static_cast<unsigned>(from.which()))
      + " is of a newer version of Millrace; this node cannot follow the log"};
}

} // namespace

shared_bytes encode(const metadata_command& command) {
  capnp::MallocMessageBuilder message;
  std::visit(command_writer{message.initRoot<wire::Command>()}, command);
  return to_shared_bytes(message);
}

result<metadata_command> decode_metadata_command(const shared_bytes& bytes) {
  return read_capnp<wire::Command>(
    bytes, "metadata command", [](wire::Command::Reader root) {
      return read(root);
    });
}

const char* name_of(const metadata_command& command) {
  static constexpr const char* names[]
    = {"cluster_created", "topic_created", "topic_deleted", "partitions_added",
      "partition_changed", "configs_changed", "broker_registered",
      "broker_fenced", "broker_removed", "producer_ids_allocated",
      "feature_level", "leadership_began", "quotas_changed"};
  static_assert(std::size(names) == std::variant_size_v<metadata_command>);
  return names[command.index()];
}

} // namespace millrace
