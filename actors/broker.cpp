#include "actors/broker.hpp"

#include "actors/group_coordinator.hpp"
#include "actors/log.hpp"
#include "actors/partition.hpp"
#include "actors/partition_config.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = broker_actor::stateful_pointer<broker_state>;

constexpr auto tick_period = std::chrono::seconds{5};

/// What the gateways are to be told at the end of a step.
struct news {
  metadata_update metadata;
  std::vector<partition_place> partitions;
  std::vector<coordinator_place> coordinators;
};

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

void start_coordinator(
  self_pointer self, int32_t index, const partition_actor& log, news& told) {
  auto& s = self->state;
  auto coordinator = self->spawn<caf::linked>(group_coordinator, s.env,
    group_coordinator_options{.partition = index,
      .topic_id = s.replicas.at({offsets_topic_name, index}).topic_id,
      .config = group_config_of(*s.options.config),
      .log = log,
      .status = s.options.status,
      .keeper = s.options.keeper});
  self->monitor(coordinator);
  s.coordinators[index] = coordinator;
  told.coordinators.push_back(
    {index, caf::actor_cast<caf::strong_actor_ptr>(coordinator)});
}

void start_partition(self_pointer self, const topic_image& topic,
  const partition_registration& p, news& told) {
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
      .handles = s.options.handles});
  self->monitor(actor);
  s.replicas[name] = {actor, topic.id, hints.log_start.value_or(offset{0}),
    hints.durable.value_or(offset{0}), false};
  told.partitions.push_back(
    {name, caf::actor_cast<caf::strong_actor_ptr>(actor)});
  if (topic.name == offsets_topic_name)
    start_coordinator(self, p.index, actor, told);
}

void start_topic(self_pointer self, const topic_image& topic, news& told) {
  for (const auto& p : topic.partitions)
    if (is_mine(self->state, p)
        && !self->state.replicas.contains({topic.name, p.index}))
      start_partition(self, topic, p, told);
}

void start_everything(self_pointer self, news& told) {
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

/// Tells the partitions of a topic what is so now.
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

void end_topic(self_pointer self, const topic_image& topic, news& told) {
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

/// Does what one committed command asks of this node.
struct follow_command {
  self_pointer self;
  news& told;

  void operator()(const topic_created& c) const {
    start(c.id);
  }
  void operator()(const partitions_added& c) const {
    start(c.topic);
  }
  void operator()(const partition_changed& c) const {
    refresh(c.topic);
  }
  void operator()(const configs_changed& c) const {
    auto& s = self->state;
    if (c.type == config_resource::broker) {
      refresh_everything(self);
    } else if (const auto* topic = s.image.find_topic(c.name)) {
      refresh_topic(self, *topic);
    }
  }
  void operator()(const broker_registered& c) const {
    auto& s = self->state;
    if (c.id != s.options.config->id || c.incarnation != s.options.incarnation)
      return;
    if (s.registered) {
      refresh_everything(self);
      return;
    }
    s.registered = true;
    start_everything(self, told);
  }
  // Handled before the command is applied, as the topic is gone after it.
  void operator()(const topic_deleted&) const {}
  // Nothing runs here because of these.
  void operator()(const cluster_created&) const {}
  void operator()(const broker_fenced&) const {}
  void operator()(const broker_removed&) const {}
  void operator()(const producer_ids_allocated&) const {}
  void operator()(const feature_level&) const {}
  void operator()(const leadership_began&) const {}

private:
  void start(const uuid& id) const {
    if (const auto* topic = self->state.image.find_topic(id);
      topic != nullptr && self->state.registered)
      start_topic(self, *topic, told);
  }
  void refresh(const uuid& id) const {
    if (const auto* topic = self->state.image.find_topic(id))
      refresh_topic(self, *topic);
  }
};

void publish(self_pointer self, news told) {
  for (const auto& gateway : self->state.gateways)
    tell(self, gateway,
      directory_update{
        nullptr, told.metadata, told.partitions, told.coordinators});
}

/// A new gateway: everything as it is now.
void welcome(self_pointer self, const caf::strong_actor_ptr& gateway) {
  auto& s = self->state;
  directory_update all;
  all.image = std::make_shared<const metadata_image>(s.image);
  for (const auto& [name, replica] : s.replicas)
    all.partitions.push_back(
      {name, caf::actor_cast<caf::strong_actor_ptr>(replica.actor)});
  for (const auto& [index, coordinator] : s.coordinators)
    all.coordinators.push_back(
      {index, caf::actor_cast<caf::strong_actor_ptr>(coordinator)});
  tell(self, gateway, std::move(all));
  s.gateways.push_back(gateway);
}

void follow(self_pointer self, const metadata_update& update) {
  auto& s = self->state;
  news told;
  told.metadata = update;
  for (const auto& [index, term, command] : *update.commands) {
    if (static_cast<int64_t>(index) <= s.image.applied_index())
      continue;
    if (const auto* gone = std::get_if<topic_deleted>(&command))
      if (const auto* topic = s.image.find_topic(gone->id))
        end_topic(self, *topic, told);
    s.image.apply(
      command, static_cast<int64_t>(index), static_cast<int64_t>(term));
    std::visit(follow_command{self, told}, command);
  }
  publish(self, std::move(told));
  if (!s.registered)
    return;
  for (const auto& gateway : std::exchange(s.waiting_gateways, {}))
    welcome(self, gateway);
}

void register_self(self_pointer self) {
  auto& s = self->state;
  const auto& config = *s.options.config;
  tell(self, s.options.controller,
    admin_ask{0, 0,
      register_broker{config.id, s.options.incarnation,
        {s.options.places->directory().identity().directory},
        s.options.endpoints, config.rack}});
}

void remove_closed(self_pointer self, const topic_partition& name) {
  auto& s = self->state;
  const auto at = s.closing.find(name);
  if (at == s.closing.end())
    return;
  s.closing.erase(at);
  if (auto renamed = s.options.places->mark_deleted(name); renamed)
    tell(self, s.options.disk, remove_paths{{*renamed}});
  else
    log::error("the deleted partition {} stays on disk until the next "
               "start: {}",
      to_string(name), to_string(renamed.error()));
  news told;
  if (const auto* successor = s.image.find_topic(name.topic);
    successor != nullptr && s.stopping == nullptr)
    start_topic(self, *successor, told);
  publish(self, std::move(told));
}

void write_checkpoints(self_pointer self) {
  auto& s = self->state;
  if (!s.registered)
    return;
  if (auto done = s.options.places->save(); !done)
    log::warn("checkpoints could not be written, the next start reads more "
              "of the logs: {}",
      to_string(done.error()));
}

void finish_stop(self_pointer self) {
  auto& s = self->state;
  if (s.stopping == nullptr || !s.replicas.empty())
    return;
  write_checkpoints(self);
  bool clean = s.all_clean && s.registered;
  if (clean)
    if (auto marked = s.options.places->directory().mark_clean_stop();
      !marked) {
      log::warn(
        "the stop could not be marked as clean: {}", to_string(marked.error()));
      clean = false;
    }
  tell(self, s.stopping, broker_stopped{clean});
  self->quit();
}

void on_closed(self_pointer self, const partition_closed& closed) {
  auto& s = self->state;
  if (s.closing.contains(closed.name)) {
    remove_closed(self, closed.name);
    return;
  }
  s.all_clean = s.all_clean && closed.clean;
  if (closed.opened)
    s.options.places->set_hints(closed.name, closed.log_start, closed.log_end);
  s.replicas.erase(closed.name);
  finish_stop(self);
}

/// Something of ours has died: it takes down what it must and starts again
/// from disk. Clients meet a retriable error at the worst.
void on_down(self_pointer self, const caf::down_msg& down) {
  auto& s = self->state;
  if (s.stopping != nullptr)
    return;
  news told;
  for (const auto& [name, replica] : s.replicas) {
    if (replica.actor.address() != down.source)
      continue;
    log::error("partition {} has died ({}) and starts again", to_string(name),
      caf::to_string(down.reason));
    const auto died = name;
    if (died.topic == offsets_topic_name)
      if (const auto c = s.coordinators.find(died.partition);
        c != s.coordinators.end()) {
        self->demonitor(c->second.address());
        self->send_exit(c->second, caf::exit_reason::user_shutdown);
        s.coordinators.erase(c);
      }
    s.replicas.erase(died);
    if (const auto* topic = s.image.find_topic(died.topic))
      start_topic(self, *topic, told);
    publish(self, std::move(told));
    return;
  }
  for (const auto& [index, coordinator] : s.coordinators) {
    if (coordinator.address() != down.source)
      continue;
    log::error("the coordinator of __consumer_offsets-{} has died ({}) and "
               "starts again",
      index, caf::to_string(down.reason));
    const auto died = index;
    s.coordinators.erase(died);
    if (const auto log = s.replicas.find({offsets_topic_name, died});
      log != s.replicas.end())
      start_coordinator(self, died, log->second.actor, told);
    publish(self, std::move(told));
    return;
  }
}

void retry_failed(self_pointer self) {
  auto& s = self->state;
  if (s.failed.empty())
    return;
  news told;
  for (const auto& name : std::set<topic_partition>{s.failed})
    if (const auto* topic = s.image.find_topic(name.topic))
      start_topic(self, *topic, told);
    else
      s.failed.erase(name);
  publish(self, std::move(told));
}

void tick(self_pointer self) {
  auto& s = self->state;
  if (s.stopping != nullptr)
    return;
  const auto now = monotonic_ms(*self);
  const bool retention = now >= s.next_retention_ms;
  if (retention)
    s.next_retention_ms
      = now + s.options.config->log_retention_check_interval_ms;
  for (const auto& [name, replica] : s.replicas)
    tell(self, replica.actor, partition_tick{retention});
  for (const auto& [index, coordinator] : s.coordinators)
    tell(self, coordinator, report_groups{});
  write_checkpoints(self);
  retry_failed(self);
  self->delayed_send(self, tick_period, broker_tick{});
}

void stop(self_pointer self) {
  auto& s = self->state;
  s.stopping = self->current_sender();
  for (const auto& [index, coordinator] : s.coordinators) {
    self->demonitor(coordinator.address());
    self->send_exit(coordinator, caf::exit_reason::user_shutdown);
  }
  s.coordinators.clear();
  for (const auto& [name, replica] : s.replicas) {
    self->demonitor(replica.actor.address());
    tell(self, replica.actor, close_partition{true});
  }
  finish_stop(self);
}

} // namespace

broker_actor::behavior_type broker(
  self_pointer self, environment* env, broker_options options) {
  self->state.env = env;
  self->state.options = std::move(options);
  self->set_down_handler([=](const caf::down_msg& down) {
    on_down(self, down);
  });
  // Partitions and coordinators are linked to this actor, so that they end
  // with it; when one of them ends alone, on_down() sees to it.
  self->set_exit_handler([=](const caf::exit_msg& end) {
    if (end.source == self->address())
      self->quit(end.reason);
  });
  tell(self, self->state.options.controller, subscribe_metadata{});
  self->delayed_send(self, tick_period, broker_tick{});
  return {
    [=](const metadata_snapshot& snapshot) {
      self->state.image = *snapshot.image;
      register_self(self);
    },
    [=](const metadata_update& update) {
      follow(self, update);
    },
    [=](const admin_answer& answer) {
      const auto& reply = std::get<register_broker_reply>(answer.reply);
      if (reply.error != kafka_error::none)
        log::error("the controller does not admit this broker: {} {}",
          to_string(reply.error), reply.message);
    },
    [=](subscribe_directory) {
      auto& s = self->state;
      if (s.registered)
        welcome(self, self->current_sender());
      else
        s.waiting_gateways.push_back(self->current_sender());
    },
    [=](const partition_closed& closed) {
      on_closed(self, closed);
    },
    [=](const partition_state_report& report) {
      auto& s = self->state;
      if (const auto at = s.replicas.find(report.name);
        at != s.replicas.end()) {
        s.options.status->set(
          report.name, {report.log_start, report.high_watermark,
                         report.size_bytes, report.offline});
        if (report.offline && !at->second.offline)
          if (auto marked = s.options.places->directory().set_offline(
                to_string(report.name));
            !marked)
            log::error("{} could not be marked as offline: {}",
              to_string(report.name), to_string(marked.error()));
        at->second.offline = report.offline;
        s.options.places->set_hints(
          report.name, report.log_start, report.durable_end);
      }
    },
    [=](const save_log_start& save) {
      auto& s = self->state;
      s.options.places->set_log_start(save.name, save.start);
      auto done = s.options.places->save();
      if (!done)
        log::error("the log start of {} could not be saved: {}",
          to_string(save.name), to_string(done.error()));
      tell(
        self, self->current_sender(), log_start_saved{save.start, done.ok()});
    },
    [=](broker_tick) {
      tick(self);
    },
    [=](stop_broker) {
      stop(self);
    },
  };
}

} // namespace millrace
