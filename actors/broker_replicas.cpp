#include "actors/broker_replicas.hpp"

#include "actors/group_coordinator.hpp"
#include "actors/log.hpp"
#include "actors/partition.hpp"
#include "actors/partition_config.hpp"
#include "actors/tell.hpp"

namespace millrace {

using self_pointer = broker_actor::stateful_pointer<broker_state>;

namespace {

partition_settings settings_of(
  const broker_state& s, const topic_image& topic) {
  return partition_settings_of(
    effective_topic_config(topic.configs, s.image, *s.options.config),
    *s.options.config);
}

bool is_mine(const broker_state& s, const partition_registration& p) {
  return std::find(p.replicas.begin(), p.replicas.end(), s.options.config->id)
         != p.replicas.end();
}

} // namespace

void start_coordinator(self_pointer self, int32_t index,
  const partition_actor& log, broker_news& told) {
  auto& s = self->state;
  auto coordinator = self->spawn<caf::linked>(group_coordinator, s.env,
    group_coordinator_options{.partition = index,
      .topic_id = s.replicas.at({offsets_topic_name, index}).topic_id,
      .config = group_config_of(*s.options.config),
      .log = log,
      .status = s.options.status,
      .keeper = s.options.keeper,
      .trim_records_min = s.options.config->offsets_trim_records});
  self->monitor(coordinator);
  s.coordinators[index] = coordinator;
  told.coordinators.push_back(
    {index, caf::actor_cast<caf::strong_actor_ptr>(coordinator)});
}

namespace {

void start_partition(self_pointer self, const topic_image& topic,
  const partition_registration& p, broker_news& told) {
  auto& s = self->state;
  const topic_partition name{topic.name, p.index};
  if (s.closing.contains(name))
    return; // its predecessor of the same name has to end first (R17)
  auto& places = *s.options.places;
  auto place = places.prepare(name, topic.id);
  if (!place) {
    if (s.failed.insert(name).second)
      log::error("partition {} cannot be used: {}; it is tried again every "
                 "few seconds",
        to_string(name), to_string(place.error()));
    return;
  }
  s.failed.erase(name);
  const auto hints = places.hints(name);
  auto actor = self->spawn<caf::linked>(partition, s.env,
    partition_options{.name = name,
      .topic_id = topic.id,
      .directory = *place,
      .settings = settings_of(s, topic),
      .registration = p,
      .node = s.options.config->id,
      .log_start = hints.log_start,
      .durable_hint = hints.durable,
      .clean = hints.clean,
      .disk = s.options.disk,
      .syncs = s.options.syncs,
      .broker = self,
      .handles = s.options.handles,
      .budget = s.options.budget});
  self->monitor(actor);
  s.replicas[name] = {actor, topic.id, hints.log_start.value_or(offset{0}),
    hints.durable.value_or(offset{0}), false};
  told.partitions.push_back(
    {name, caf::actor_cast<caf::strong_actor_ptr>(actor)});
  if (topic.name == offsets_topic_name)
    start_coordinator(self, p.index, actor, told);
}

} // namespace

void start_topic(
  self_pointer self, const topic_image& topic, broker_news& told) {
  for (const auto& p : topic.partitions)
    if (is_mine(self->state, p)
        && !self->state.replicas.contains({topic.name, p.index}))
      start_partition(self, topic, p, told);
}

void start_everything(self_pointer self, broker_news& told) {
  auto& s = self->state;
  auto& places = *s.options.places;
  for (const auto& [name, topic] : s.image.topics())
    start_topic(self, *topic, told);
  for (const auto& note : places.notes())
    log::warn("{}", note);
  for (const auto& stray : places.unclaimed())
    log::warn("{}/{} belongs to no topic of this cluster; it is left alone",
      places.directory().path(), stray);
  if (auto old = places.leftovers(); !old.empty())
    tell(self, s.options.disk, remove_paths{std::move(old)});
}

void refresh_topic(self_pointer self, const topic_image& topic) {
  auto& s = self->state;
  const auto settings = settings_of(s, topic);
  for (const auto& p : topic.partitions)
    if (const auto at = s.replicas.find({topic.name, p.index});
      at != s.replicas.end())
      tell(self, at->second.actor, lead_partition{p, settings});
}

void refresh_everything(self_pointer self) {
  for (const auto& [name, topic] : self->state.image.topics())
    refresh_topic(self, *topic);
}

void end_topic(self_pointer self, const topic_image& topic, broker_news& told) {
  auto& s = self->state;
  for (const auto& p : topic.partitions) {
    const topic_partition name{topic.name, p.index};
    const auto at = s.replicas.find(name);
    if (at == s.replicas.end())
      continue;
    s.closing[name] = topic.id;
    self->demonitor(at->second.actor.address());
    tell(self, at->second.actor, close_partition{false});
    told.partitions.push_back({name, nullptr});
    s.replicas.erase(at);
    s.options.status->erase(name);
    if (topic.name == offsets_topic_name) {
      if (const auto c = s.coordinators.find(p.index);
        c != s.coordinators.end()) {
        self->demonitor(c->second.address());
        self->send_exit(c->second, caf::exit_reason::user_shutdown);
        s.coordinators.erase(c);
      }
      s.options.status->erase_groups(p.index);
      told.coordinators.push_back({p.index, nullptr});
    }
  }
  for (const auto& [index, coordinator] : s.coordinators)
    tell(self, coordinator, topics_gone{{topic.name}});
}

} // namespace millrace
