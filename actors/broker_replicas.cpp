#include "actors/broker_replicas.hpp"

#include "actors/broker_log_dirs.hpp"
#include "actors/group_coordinator.hpp"
#include "actors/log.hpp"
#include "actors/partition.hpp"
#include "actors/partition_config.hpp"
#include "actors/replica_front.hpp"
#include "actors/share_coordinator.hpp"
#include "actors/tell.hpp"
#include "actors/transaction_coordinator.hpp"
#include "cluster/partition_settling.hpp"
#include "storage/murmur2.hpp"

namespace millrace {

using self_pointer = broker_actor::stateful_pointer<broker_state>;

namespace {

topic_config config_of(const broker_state& s, const topic_image& topic) {
  auto config
    = effective_topic_config(topic.configs, s.image, *s.options.config);
  // What custom actors have done is all there is of them, and records of one
  // key do not replace each other. Earlier versions made these as compacted.
  if (topic.name.starts_with(actor_topic_prefix))
    config.cleanup_compact = false;
  return config;
}

bool is_mine(const broker_state& s, const partition_registration& p) {
  return has_node(p.replicas, s.options.config->id);
}

partition_assigned assignment(const broker_state& s, const topic_image& topic,
  const partition_registration& p) {
  return {p, settings_of(s, topic, p.index), s.broker_epoch};
}

std::shared_ptr<const topic_view> topics_now(broker_state& s) {
  if (s.topics != nullptr)
    return s.topics;
  std::vector<topic_view::topic> topics;
  topics.reserve(s.image.topics().size());
  for (const auto& [name, topic] : s.image.topics())
    topics.push_back(
      {name, topic->id, static_cast<int32_t>(topic->partitions.size())});
  s.topics = std::make_shared<const topic_view>(
    s.image.applied_index(), std::move(topics));
  return s.topics;
}

group_overrides overrides_now(const broker_state& s) {
  group_overrides overrides;
  for (const auto& [owner, configs] : s.image.all_configs())
    if (owner.first == config_resource::group)
      overrides.emplace(owner.second, configs);
  return overrides;
}

caf::strong_actor_ptr start_group_coordinator(self_pointer self,
  const topic_image& topic, const partition_registration& p) {
  auto& s = self->state;
  auto coordinator = self->spawn<caf::linked>(group_coordinator, s.env,
    group_coordinator_options{.partition = p.index,
      .topic_id = topic.id,
      .config = group_config_of(*s.options.config),
      .log = s.replicas.at({topic.name, p.index}).actor,
      .status = s.options.status,
      .keeper = s.options.keeper,
      .transactions = s.transactions,
      .shares = s.shares});
  tell(self, coordinator, topics_known{topics_now(s)});
  tell(self, coordinator, groups_configured{overrides_now(s)});
  return caf::actor_cast<caf::strong_actor_ptr>(coordinator);
}

caf::strong_actor_ptr start_transaction_coordinator(self_pointer self,
  const topic_image& topic, const partition_registration& p) {
  auto& s = self->state;
  auto coordinator = self->spawn<caf::linked>(transaction_coordinator, s.env,
    transaction_coordinator_options{.partition = p.index,
      .epoch = p.epoch,
      .config = transaction_config_of(*s.options.config),
      .log = s.replicas.at({topic.name, p.index}).actor,
      .controller = s.options.controller,
      .front = s.transactions});
  return caf::actor_cast<caf::strong_actor_ptr>(coordinator);
}

caf::strong_actor_ptr start_share_coordinator(self_pointer self,
  const topic_image& topic, const partition_registration& p) {
  auto& s = self->state;
  auto coordinator = self->spawn<caf::linked>(share_coordinator, s.env,
    share_coordinator_options{.partition = p.index,
      .config
      = {.updates_per_snapshot = s.options.config->share_updates_per_snapshot},
      .log = s.replicas.at({topic.name, p.index}).actor});
  tell(self, coordinator, topics_known{topics_now(s)});
  return caf::actor_cast<caf::strong_actor_ptr>(coordinator);
}

caf::strong_actor_ptr start_coordinator_of(self_pointer self,
  const topic_image& topic, const partition_registration& p) {
  if (topic.name == offsets_topic_name)
    return start_group_coordinator(self, topic, p);
  return topic.name == share_states_topic_name
           ? start_share_coordinator(self, topic, p)
           : start_transaction_coordinator(self, topic, p);
}

void start_coordinator(self_pointer self, const topic_image& topic,
  const partition_registration& p, broker_news& told) {
  const topic_partition name{topic.name, p.index};
  auto coordinator = start_coordinator_of(self, topic, p);
  self->monitor(coordinator->address());
  told.coordinators.push_back({name, coordinator});
  self->state.coordinators[name] = {std::move(coordinator), p.epoch};
}

void forget_coordinator(
  self_pointer self, const topic_partition& name, broker_news& told) {
  auto& s = self->state;
  const auto at = s.coordinators.find(name);
  if (at == s.coordinators.end())
    return;
  end_coordinator(self, at->second.actor);
  s.coordinators.erase(at);
  if (name.topic == offsets_topic_name)
    s.options.status->erase_groups(name.partition);
  told.coordinators.push_back({name, nullptr});
}

/// Groups, transactions and share partitions are coordinated where their
/// partition is led. Each
/// leadership reads them anew: the one before may have left records that it
/// does not know the fate of (R20).
void follow_coordinator(self_pointer self, const topic_image& topic,
  const partition_registration& p, broker_news& told) {
  auto& s = self->state;
  if (topic.name != offsets_topic_name && topic.name != transactions_topic_name
      && topic.name != share_states_topic_name)
    return;
  const topic_partition name{topic.name, p.index};
  const bool led_here = s.registered && p.leader == s.options.config->id
                        && s.replicas.contains(name);
  const auto at = s.coordinators.find(name);
  if (at != s.coordinators.end() && (!led_here || at->second.epoch != p.epoch))
    forget_coordinator(self, name, told);
  if (led_here && !s.coordinators.contains(name) && !s.resting.contains(name))
    start_coordinator(self, topic, p, told);
}

void place_in_front(self_pointer self, const topic_image& topic, int32_t index,
  const caf::strong_actor_ptr& actor) {
  auto& s = self->state;
  if (s.front != nullptr)
    tell(self, s.front, replica_place{topic.id, index, actor});
}

/// Always the same one, so that a log is compacted once at a time. Null where
/// nothing is compacted.
compactor_actor compactor_for(
  const broker_state& s, const topic_partition& name) {
  if (s.compactors.empty())
    return {};
  const auto hash = static_cast<uint32_t>(murmur2(name.topic))
                    + static_cast<uint32_t>(name.partition);
  return s.compactors[hash % s.compactors.size()];
}

/// Nothing of it is left here.
void note_lost(
  broker_state& s, const topic_image& topic, const partition_registration& p) {
  s.lost.push_back({topic.id, p.index, offset{0}, offset{INT64_MAX}});
}

replica_history history_of(const broker_state& s, const topic_image& topic,
  const partition_registration& p) {
  const auto failed = s.failed.find({topic.name, p.index});
  if (failed != s.failed.end())
    return failed->second;
  return {.known = !s.knows_its_replicas,
    .replaceable
    = p.replicas.size() > 1 || config_of(s, topic).unclean_leader_election};
}

void start_partition(self_pointer self, const topic_image& topic,
  const partition_registration& p, broker_news& told) {
  auto& s = self->state;
  const topic_partition name{topic.name, p.index};
  if (s.closing.contains(name))
    return; // its predecessor of the same name has to end first (R17)
  if (const auto move = s.moves.find(name);
    move != s.moves.end()
    && move->second.at == broker_state::replica_move::stage::closed)
    return; // its log is about to be elsewhere
  auto& dirs = *s.options.dirs;
  const auto history = history_of(s, topic, p);
  auto place = dirs.prepare(name, topic.id, history);
  if (!place) {
    if (s.failed.emplace(name, history).second)
      log::error("partition {} cannot be used: {}; it is tried again every "
                 "few seconds",
        to_string(name), to_string(place.error()));
    return;
  }
  s.failed.erase(name);
  if (place->lost)
    note_lost(s, topic, p);
  const auto& disks = s.options.disks[place->directory];
  const auto hints = dirs.hints(name);
  auto known = p;
  if (!s.registered) {
    // No role before that: it may be granted a new epoch, or none (R7).
    known.leader = no_node;
    known.partition_epoch = -1;
  }
  auto actor = self->spawn<caf::linked>(partition, s.env,
    partition_options{.name = name,
      .topic_id = topic.id,
      .directory = place->path,
      .settings = settings_of(s, topic, p.index),
      .registration = known,
      .node = s.options.config->id,
      .broker_epoch = s.broker_epoch,
      .log_start = hints.log_start,
      .durable_hint = hints.durable,
      .high_watermark = hints.high_watermark,
      .clean = hints.clean,
      .disk = disks.disks.back(),
      .syncs = disks.syncs,
      .broker = caf::strong_actor_ptr{self->ctrl()},
      .handles = s.options.handles,
      .budget = s.options.budget,
      .controller
      = caf::actor_cast<caf::strong_actor_ptr>(s.options.controller),
      .throttle = s.throttle,
      .link = s.options.link,
      .transactions = s.transactions,
      .shares = caf::actor_cast<caf::strong_actor_ptr>(s.shares),
      .compactor = compactor_for(s, name),
      .clean_until = hints.clean_until});
  self->monitor(actor);
  s.replicas[name] = {actor, topic.id, known.partition_epoch, false};
  const auto place_of_actor = caf::actor_cast<caf::strong_actor_ptr>(actor);
  place_in_front(self, topic, p.index, place_of_actor);
  told.partitions.push_back({name, place_of_actor});
  follow_move(self, name);
}

/// Its directory goes when it has closed.
void end_partition(self_pointer self, const topic_image& topic, int32_t index,
  broker_news& told) {
  auto& s = self->state;
  const topic_partition name{topic.name, index};
  const auto at = s.replicas.find(name);
  if (at == s.replicas.end())
    return;
  forget_coordinator(self, name, told);
  cancel_move(self, name);
  s.closing[name] = topic.id;
  self->demonitor(at->second.actor.address());
  tell(self, at->second.actor, close_partition{false});
  place_in_front(self, topic, index, nullptr);
  told.partitions.push_back({name, nullptr});
  s.replicas.erase(at);
  s.opening.erase(name);
  s.meter.forget(topic.id, index);
  s.options.status->erase(name);
}

} // namespace

partition_settings settings_of(
  const broker_state& s, const topic_image& topic, int32_t index) {
  return partition_settings_of(config_of(s, topic), *s.options.config, index);
}

void pause_partition(
  self_pointer self, const topic_partition& name, broker_news& told) {
  auto& s = self->state;
  const auto& replica = s.replicas.at(name);
  forget_coordinator(self, name, told);
  tell(self, replica.actor, close_partition{true});
  if (const auto* topic = s.image.find_topic(replica.topic_id))
    place_in_front(self, *topic, name.partition, nullptr);
  told.partitions.push_back({name, nullptr});
}

const disk_actor& remover(const broker_state& s, size_t log_dir) {
  return s.options.disks[log_dir].disks.back();
}

void end_coordinator(
  self_pointer self, const caf::strong_actor_ptr& coordinator) {
  self->demonitor(coordinator->address());
  caf::anon_send_exit(
    caf::actor_cast<caf::actor>(coordinator), caf::exit_reason::user_shutdown);
}

void open_replicas(self_pointer self) {
  auto& s = self->state;
  std::vector<std::pair<const topic_image*, const partition_registration*>>
    to_open;
  std::vector<log_dirs::wanted> wanted;
  for (const auto& [topic_name, topic] : s.image.topics())
    for (const auto& p : topic->partitions) {
      topic_partition name{topic->name, p.index};
      if (p.replicas.size() < 2 || !is_mine(s, p) || s.replicas.contains(name))
        continue;
      to_open.emplace_back(topic.get(), &p);
      auto history = history_of(s, *topic, p);
      wanted.push_back({std::move(name), topic->id, history});
    }
  if (auto noted = s.options.dirs->note_losses(wanted); !noted)
    log::error("{}", to_string(noted.error())); // each log will say it, too
  broker_news nobody_is_told;
  for (size_t i = 0; i < to_open.size(); ++i) {
    const auto& [topic, p] = to_open[i];
    start_partition(self, *topic, *p, nobody_is_told);
    if (s.replicas.contains(wanted[i].name))
      s.opening.insert(wanted[i].name);
    else
      note_lost(s, *topic, *p);
  }
}

void follow_partition(self_pointer self, const topic_image& topic,
  const partition_registration& p, broker_news& told) {
  auto& s = self->state;
  const auto at = s.replicas.find({topic.name, p.index});
  if (at == s.replicas.end()) {
    if (is_mine(s, p))
      start_partition(self, topic, p, told);
  } else if (!is_mine(s, p)) {
    end_partition(self, topic, p.index, told);
  } else if (at->second.told_epoch != p.partition_epoch) {
    at->second.told_epoch = p.partition_epoch;
    tell(self, at->second.actor, assignment(s, topic, p));
  }
  follow_coordinator(self, topic, p, told);
}

void follow_topic(
  self_pointer self, const topic_image& topic, broker_news& told) {
  for (const auto& p : topic.partitions)
    follow_partition(self, topic, p, told);
}

void follow_registrations(self_pointer self, broker_news& told) {
  auto& s = self->state;
  std::vector<std::pair<uuid, int32_t>> changed;
  for (const auto& [name, replica] : s.replicas)
    if (const auto* p
        = s.image.find_partition(replica.topic_id, name.partition);
      p != nullptr && p->partition_epoch != replica.told_epoch)
      changed.emplace_back(replica.topic_id, name.partition);
  for (const auto& [topic, index] : changed)
    follow_partition(self, *s.image.find_topic(topic),
      *s.image.find_partition(topic, index), told);
}

void follow_everything(self_pointer self, broker_news& told) {
  auto& s = self->state;
  for (const auto& [name, topic] : s.image.topics())
    follow_topic(self, *topic, told);
  s.knows_its_replicas = true;
  // Before anything is fetched: told twice, it would be lost twice.
  if (auto done = s.options.dirs->losses_told(s.failed.empty()); !done)
    log::warn("it could not be noted that what is lost was told: {}",
      to_string(done.error()));
}

void note_leftovers(self_pointer self) {
  auto& s = self->state;
  auto& dirs = *s.options.dirs;
  for (const auto& note : dirs.notes())
    log::warn("{}", note);
  for (const auto& stray : dirs.unclaimed())
    log::warn(
      "{} belongs to no topic of this cluster; it is left alone", stray);
  if (auto old = dirs.leftovers(); !old.empty())
    tell(self, remover(s, 0), remove_paths{std::move(old)});
}

void configure_topic(self_pointer self, const topic_image& topic) {
  auto& s = self->state;
  if (!s.registered)
    return;
  const auto config = config_of(s, topic);
  for (const auto& p : topic.partitions)
    if (const auto at = s.replicas.find({topic.name, p.index});
      at != s.replicas.end())
      tell(self, at->second.actor,
        partition_assigned{p,
          partition_settings_of(config, *s.options.config, p.index),
          s.broker_epoch});
}

void configure_everything(self_pointer self) {
  for (const auto& [name, topic] : self->state.image.topics())
    configure_topic(self, *topic);
}

void tell_topics(self_pointer self) {
  auto& s = self->state;
  s.topics.reset();
  const topics_known news{topics_now(s)};
  tell_group_coordinators(self, news);
  for (const auto& [name, coordinator] : s.coordinators)
    if (name.topic == share_states_topic_name)
      tell(self, coordinator.actor, topics_known{news});
}

void tell_overrides(self_pointer self) {
  tell_group_coordinators(self, groups_configured{overrides_now(self->state)});
}

void end_topic(self_pointer self, const topic_image& topic, broker_news& told) {
  for (const auto& p : topic.partitions)
    end_partition(self, topic, p.index, told);
  tell_group_coordinators(self, topics_gone{{topic.name}});
}

} // namespace millrace
