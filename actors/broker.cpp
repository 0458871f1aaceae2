#include "actors/broker.hpp"

#include "actors/broker_log_dirs.hpp"
#include "actors/broker_replicas.hpp"
#include "actors/compactor.hpp"
#include "actors/log.hpp"
#include "actors/replica_front.hpp"
#include "actors/share_front.hpp"
#include "actors/tell.hpp"
#include "actors/throttle.hpp"
#include "actors/transaction_front.hpp"
#include "cluster/config_topic.hpp"

namespace millrace {

namespace {

using self_pointer = broker_actor::stateful_pointer<broker_state>;

constexpr auto tick_period = std::chrono::seconds{5};
/// Every other tick.
constexpr int64_t load_ms = 9'000;
/// The controller may not have a leader yet.
constexpr auto register_pause = std::chrono::milliseconds{100};

/// Tells the link where that node listens for others.
void introduce(const broker_state& s, node_id id) {
  const auto* broker = s.image.find_broker(id);
  if (broker == nullptr || id == s.options.config->id
      || s.options.link == nullptr)
    return;
  for (const auto& e : broker->endpoints)
    if (e.listener == cluster_listener_name)
      s.options.link->introduce(id, {e.host, e.port});
}

/// The directory knows from here on which start the cluster has let in.
void remember_start(const broker_state& s) {
  if (!s.options.config->is_clustered())
    return;
  auto& directory = s.options.dirs->primary();
  if (auto done = directory.confirm_start(s.options.incarnation); !done)
    log::warn("it could not be noted that this start was let in: {}",
      to_string(done.error()));
}

int64_t rate(const broker_state& s, const char* name) {
  const auto* key = find_config_key(config_scope::broker, name);
  MILLRACE_ASSERT(key != nullptr, "a broker reads only keys of its table");
  return parse_config_integer(
    *describe_broker_config(*key, s.image, *s.options.config).value);
}

/// How fast what is throttled may be copied to and from here (KIP-73).
void set_throttle(self_pointer self) {
  auto& s = self->state;
  if (s.throttle != nullptr)
    tell(self, s.throttle,
      throttle_rates{rate(s, "leader.replication.throttled.rate"),
        rate(s, "follower.replication.throttled.rate")});
}

/// What each of the compactors may take of what all of them may.
compactor_settings compactor_settings_of(const broker_state& s) {
  const auto* key = find_config_key(
    config_scope::broker, "log.cleaner.io.max.bytes.per.second");
  const auto threads
    = static_cast<size_t>(std::max(s.options.config->cleaner_threads, 1));
  return {
    .map_bytes_max
    = static_cast<size_t>(rate(s, "log.cleaner.dedupe.buffer.size")) / threads,
    .chunk_bytes = static_cast<size_t>(rate(s, "log.cleaner.io.buffer.size")),
    .bytes_per_second
    = parse_config_real(
        *describe_broker_config(*key, s.image, *s.options.config).value)
      / static_cast<double>(threads)};
}

void set_compactors(self_pointer self) {
  auto& s = self->state;
  for (const auto& one : s.compactors)
    tell(self, one, compactor_settings_of(s));
}

void start_compactors(self_pointer self) {
  auto& s = self->state;
  if (!s.options.config->cleaner_enabled)
    return;
  for (int32_t i = 0; i < s.options.config->cleaner_threads; ++i) {
    auto one = s.env->spawn_blocking(self->system(), compactor, s.env,
      s.options.status, compactor_settings_of(s));
    self->link_to(one);
    s.compactors.push_back(std::move(one));
  }
}

void start_fronts(self_pointer self) {
  auto& s = self->state;
  const gateway_wiring wiring{.env = s.env,
    .config = s.options.config,
    .counters = s.options.counters,
    .controller = caf::actor_cast<caf::strong_actor_ptr>(s.options.controller),
    .broker = caf::strong_actor_ptr{self->ctrl()},
    .cluster = s.options.cluster,
    .link = s.options.link};
  s.transactions = self->spawn<caf::linked>(transaction_front, wiring);
  s.shares = self->spawn<caf::linked>(share_front, wiring);
}

/// Does what one committed command asks of this node.
struct follow_command {
  self_pointer self;
  broker_news& told;

  void operator()(const topic_created& c) const {
    follow(c.id);
  }
  void operator()(const partitions_added& c) const {
    follow(c.topic);
  }
  void operator()(const partition_changed& c) const {
    auto& s = self->state;
    if (const auto* topic = s.image.find_topic(c.topic);
      topic != nullptr && s.registered)
      follow_partition(self, *topic, c.partition, told);
  }
  void operator()(const configs_changed& c) const {
    auto& s = self->state;
    if (c.type == config_resource::group)
      tell_overrides(self);
    const bool of_brokers = c.type == config_resource::broker;
    if (of_brokers && !c.name.empty()
        && c.name != std::to_string(s.options.config->id.value))
      return; // of another one alone
    if (of_brokers) {
      set_throttle(self);
      set_compactors(self);
      set_movers(self);
      configure_everything(self);
    } else if (c.type == config_resource::topic) {
      configure_topic(self, *s.image.find_topic(c.name));
    }
  }
  void operator()(const broker_registered& c) const {
    auto& s = self->state;
    introduce(s, c.id);
    if (c.id != s.options.config->id
        || c.incarnation != s.options.incarnation) {
      // What it leads has new epochs (R7).
      if (s.registered)
        follow_registrations(self, told);
      return;
    }
    s.broker_epoch = c.broker_epoch;
    remember_start(s);
    if (s.registered) {
      follow_registrations(self, told);
      configure_everything(self); // the broker epoch is another one
      return;
    }
    s.registered = true;
    follow_everything(self, told);
    note_leftovers(self);
    resume_moves(self);
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
  void operator()(const quotas_changed&) const {}

private:
  void follow(const uuid& id) const {
    if (const auto* topic = self->state.image.find_topic(id);
      topic != nullptr && self->state.registered)
      follow_topic(self, *topic, told);
  }
};

/// Whether groups may have other partitions to share out after it.
bool changes_topics(const metadata_command& command) {
  return std::holds_alternative<topic_created>(command)
         || std::holds_alternative<partitions_added>(command)
         || std::holds_alternative<topic_deleted>(command);
}

void publish(self_pointer self, broker_news told) {
  if (told.metadata.commands == nullptr && told.partitions.empty()
      && told.coordinators.empty())
    return;
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
  for (const auto& [name, coordinator] : s.coordinators)
    all.coordinators.push_back({name, coordinator.actor});
  tell(self, gateway, std::move(all));
  s.gateways.push_back(gateway);
}

void register_self(self_pointer self) {
  auto& s = self->state;
  const auto& config = *s.options.config;
  const auto& directory = s.options.dirs->primary();
  tell(self, s.options.controller,
    admin_ask{0, 0,
      register_broker{config.id, s.options.incarnation,
        {directory.identity().directory}, s.options.endpoints, config.rack,
        s.image.cluster_id(), s.lost, !s.options.dirs->stopped_cleanly(),
        s.cut_short, directory.starts(),
        config.is_clustered() ? s.open_up_to : -1}});
}

/// Once the logs are open the controller may choose this node.
void register_when_open(self_pointer self) {
  auto& s = self->state;
  if (s.registered || s.asked_to_register || !s.opening.empty()
      || s.image.applied_index() < s.open_up_to)
    return;
  // The image was an older one when the first logs were opened.
  if (s.open_up_to > 0)
    open_replicas(self);
  if (!s.opening.empty())
    return;
  s.asked_to_register = true;
  register_self(self);
}

/// Clients are served from here on: a node of a cluster that nobody counts
/// on yet would refuse the first of them for no reason that they know.
bool is_let_in(const broker_state& s) {
  return s.registered && s.image.is_alive(s.options.config->id);
}

void follow(self_pointer self, const metadata_update& update) {
  auto& s = self->state;
  broker_news told;
  told.metadata = update;
  bool other_topics = false;
  for (const auto& entry : *update.commands) {
    if (const auto* gone = std::get_if<topic_deleted>(&entry.command);
      gone != nullptr && s.stopping == nullptr)
      if (const auto* topic = s.image.find_topic(gone->id))
        end_topic(self, *topic, told);
    // What is being closed for the node's end is not started again.
    if (apply_to(s.image, entry) && s.stopping == nullptr)
      std::visit(follow_command{self, told}, entry.command);
    other_topics |= changes_topics(entry.command);
  }
  if (other_topics)
    tell_topics(self);
  pass_to(s.image, update);
  publish(self, std::move(told));
  if (s.stopping == nullptr)
    register_when_open(self);
  if (!is_let_in(s))
    return;
  for (const auto& gateway : std::exchange(s.waiting_gateways, {}))
    welcome(self, gateway);
}

/// The first image: of this node's last run, if it had one.
void on_snapshot(self_pointer self, const metadata_snapshot& snapshot) {
  auto& s = self->state;
  s.image = *snapshot.image;
  s.topics.reset();
  for (const auto& [id, broker] : s.image.brokers())
    introduce(s, id);
  if (s.options.config->is_clustered()) {
    // Nothing is throttled but now and then.
    s.throttle = self->spawn<caf::linked + caf::lazy_init>(throttle);
    if (!s.image.all_configs().empty())
      set_throttle(self);
    s.front = self->spawn<caf::linked>(replica_front);
    const auto front = caf::actor_cast<caf::strong_actor_ptr>(s.front);
    s.options.link->bind(conversation::replica, front);
    s.options.link->watch(front);
  }
  start_compactors(self);
  start_fronts(self);
  open_replicas(self);
  register_when_open(self);
}

/// It must not vote either, nor be started again.
void end_outdated(self_pointer self) {
  auto& directory = self->state.options.dirs->primary();
  if (auto marked = directory.mark_outdated(); !marked)
    log::error("{} could not be marked as an older copy: {}", directory.path(),
      to_string(marked.error()));
  self->quit(caf::exit_reason::unhandled_exception);
}

void on_registration_answer(
  self_pointer self, const register_broker_reply& reply) {
  if (reply.open_up_to > 0) {
    auto& s = self->state;
    s.open_up_to = reply.open_up_to;
    s.asked_to_register = false;
    register_when_open(self);
    return;
  }
  if (reply.error == kafka_error::none)
    return;
  log::error("the controller does not admit this broker: {} {}",
    to_string(reply.error), reply.message);
  if (reply.error == kafka_error::invalid_registration) {
    end_outdated(self);
    return;
  }
  self->delayed_send(self, register_pause, register_again{});
}

void remove_closed(self_pointer self, const topic_partition& name) {
  auto& s = self->state;
  const auto at = s.closing.find(name);
  if (at == s.closing.end())
    return;
  s.closing.erase(at);
  const auto home = s.options.dirs->home_of(name);
  if (auto renamed = s.options.dirs->mark_deleted(name); renamed)
    tell(self, remover(s, *home), remove_paths{{*renamed}});
  else
    log::error("the deleted partition {} stays on disk until the next "
               "start: {}",
      to_string(name), to_string(renamed.error()));
  broker_news told;
  if (const auto* successor = s.image.find_topic(name.topic);
    successor != nullptr && s.stopping == nullptr)
    follow_topic(self, *successor, told);
  publish(self, std::move(told));
}

void write_checkpoints(self_pointer self) {
  auto& s = self->state;
  if (!s.registered)
    return;
  if (auto done = s.options.dirs->save(); !done)
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
    if (auto marked = s.options.dirs->mark_clean_stop(); !marked) {
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
  if (on_closed_for_move(self, closed))
    return;
  s.all_clean = s.all_clean && closed.clean;
  if (closed.opened)
    s.options.dirs->set_hints(closed.name, closed.log_start, closed.log_end);
  s.replicas.erase(closed.name);
  finish_stop(self);
}

/// Something of ours has died: it takes down what it must and starts again
/// from disk. Clients meet a retriable error at the worst.
void on_down(self_pointer self, const caf::down_msg& down) {
  auto& s = self->state;
  if (s.stopping != nullptr)
    return;
  broker_news told;
  for (const auto& [name, replica] : s.replicas) {
    if (replica.actor.address() != down.source)
      continue;
    log::error("partition {} has died ({}) and starts again", to_string(name),
      caf::to_string(down.reason));
    const auto died = name;
    s.replicas.erase(died);
    s.opening.erase(died);
    if (const auto* topic = s.image.find_topic(died.topic);
      topic != nullptr && s.registered)
      follow_topic(self, *topic, told);
    publish(self, std::move(told));
    register_when_open(self);
    return;
  }
  for (const auto& [name, coordinator] : s.coordinators) {
    if (coordinator.actor->address() != down.source)
      continue;
    const auto ended = name;
    s.coordinators.erase(ended);
    if (down.reason == caf::exit_reason::user_shutdown) {
      // It wants to begin anew, and has said why.
      if (const auto* topic = s.image.find_topic(ended.topic))
        follow_topic(self, *topic, told);
    } else {
      log::error("the coordinator of {} has died ({}) and starts again soon",
        to_string(ended), caf::to_string(down.reason));
      s.resting.insert(ended);
      told.coordinators.push_back({ended, nullptr});
    }
    publish(self, std::move(told));
    return;
  }
}

/// What could not be started, or has failed, is tried again.
void retry_failed(self_pointer self) {
  auto& s = self->state;
  auto again = std::exchange(s.resting, {});
  if (s.registered)
    for (const auto& [name, history] : s.failed)
      again.insert(name);
  broker_news told;
  for (const auto& name : again)
    if (const auto* topic = s.image.find_topic(name.topic))
      follow_topic(self, *topic, told);
    else
      s.failed.erase(name);
  publish(self, std::move(told));
}

/// The controller is to know how much this node has to do for clients.
void tell_load(self_pointer self, int64_t now) {
  auto& s = self->state;
  if (!s.options.config->is_clustered() || !s.registered
      || now < s.next_load_ms)
    return;
  s.next_load_ms = now + load_ms;
  tell(self, s.options.controller, load_measured{s.meter.take(now)});
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
  const bool compaction = now >= s.next_compaction_ms;
  if (compaction)
    s.next_compaction_ms = now + s.options.config->cleaner_backoff_ms;
  tell_load(self, now); // of what was reported after the last tick
  for (const auto& [name, replica] : s.replicas)
    tell(self, replica.actor, partition_tick{retention, compaction});
  tell_group_coordinators(self, report_groups{});
  write_checkpoints(self);
  if (!s.registered && s.asked_to_register)
    register_self(self);
  retry_failed(self);
  self->delayed_send(self, tick_period, broker_tick{});
}

void stop(self_pointer self) {
  auto& s = self->state;
  s.stopping = self->current_sender();
  for (const auto& [name, coordinator] : s.coordinators)
    end_coordinator(self, coordinator.actor);
  s.coordinators.clear();
  for (const auto& [name, replica] : s.replicas) {
    self->demonitor(replica.actor.address());
    tell(self, replica.actor, close_partition{true});
  }
  finish_stop(self);
}

/// A log that is known to several nodes has failed here, and others have it:
/// the node starts again, with what its disk has (R6), and is not chosen to
/// lead what it has lost.
void give_up(self_pointer self, const topic_partition& name) {
  log::error("partition {} has failed on this node: it starts again from its "
             "disk, and others lead what it led",
    to_string(name));
  self->quit(caf::exit_reason::unhandled_exception);
}

void on_report(self_pointer self, const partition_state_report& report) {
  auto& s = self->state;
  const auto at = s.replicas.find(report.name);
  if (at == s.replicas.end())
    return;
  auto& replica = at->second;
  auto& dirs = *s.options.dirs;
  const bool broken = report.lost_end.value == INT64_MAX;
  if (s.opening.erase(report.name) != 0) {
    if (report.lost_end > report.lost_first)
      s.lost.push_back({replica.topic_id, report.name.partition,
        report.lost_first, report.lost_end});
    if (report.cut_short)
      s.cut_short.push_back({replica.topic_id, report.name.partition,
        report.last_epoch, report.log_end});
  }
  if (!broken) {
    if (s.options.config->is_clustered())
      s.meter.note(replica.topic_id, report.name.partition, report.carried,
        monotonic_ms(*self));
    s.options.status->set(report.name, {report.log_start, report.high_watermark,
                                         report.size_bytes, report.offline});
    dirs.set_hints(report.name, report.log_start, report.durable_end);
    dirs.set_clean_until(report.name, report.clean_until);
    const auto* p
      = s.image.find_partition(replica.topic_id, report.name.partition);
    const bool replicated = p != nullptr && p->replicas.size() > 1;
    if (replicated)
      dirs.set_high_watermark(report.name, report.high_watermark);
    if (report.offline && !std::exchange(replica.offline, true)) {
      if (auto marked = dirs.set_offline(report.name); !marked)
        log::error("{} could not be marked as offline: {}",
          to_string(report.name), to_string(marked.error()));
      if (replicated && s.stopping == nullptr)
        give_up(self, report.name);
    }
  }
  register_when_open(self);
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
      on_snapshot(self, snapshot);
    },
    [=](const metadata_update& update) {
      follow(self, update);
    },
    [=](const admin_answer& answer) {
      if (const auto* reply = std::get_if<register_broker_reply>(&answer.reply))
        on_registration_answer(self, *reply);
      else // the question itself did not get through
        self->delayed_send(self, register_pause, register_again{});
    },
    [=](register_again) {
      if (!self->state.registered)
        register_self(self);
    },
    [=](subscribe_directory) {
      auto& s = self->state;
      if (is_let_in(s))
        welcome(self, self->current_sender());
      else
        s.waiting_gateways.push_back(self->current_sender());
    },
    [=](const partition_closed& closed) {
      on_closed(self, closed);
    },
    [=](const log_dirs_ask& ask) {
      on_log_dirs_ask(self, ask);
    },
    [=](const copy_progress& told) {
      on_copy_progress(self, told);
    },
    [=](const copy_caught_up& told) {
      broker_news news;
      on_copy_caught_up(self, told, news);
      publish(self, std::move(news));
    },
    [=](const copy_ended& told) {
      broker_news news;
      on_copy_ended(self, told, news);
      publish(self, std::move(news));
    },
    [=](const partition_state_report& report) {
      on_report(self, report);
    },
    [=](const save_hints& save) {
      auto& dirs = *self->state.options.dirs;
      dirs.set_hints(save.name, save.log_start, save.durable);
      dirs.limit_clean_until(save.name, save.durable);
      const auto done = dirs.save();
      if (!done)
        log::error("the durable offset of {} could not be saved: {}",
          to_string(save.name), to_string(done.error()));
      tell(self, self->current_sender(), hints_saved{save.durable, done.ok()});
    },
    [=](const save_log_start& save) {
      auto& s = self->state;
      s.options.dirs->set_log_start(save.name, save.start);
      auto done = s.options.dirs->save();
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
