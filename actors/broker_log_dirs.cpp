#include "actors/broker_log_dirs.hpp"

#include "actors/log.hpp"
#include "actors/log_mover.hpp"
#include "cluster/config_topic.hpp"

namespace millrace {

using self_pointer = broker_actor::stateful_pointer<broker_state>;

namespace {

using stage = broker_state::replica_move::stage;

log_mover_settings mover_settings(const broker_state& s) {
  const auto* key = find_config_key(
    config_scope::broker, "replica.alter.log.dirs.io.max.bytes.per.second");
  MILLRACE_ASSERT(key != nullptr, "a broker reads only keys of its table");
  return {static_cast<double>(parse_config_integer(
    *describe_broker_config(*key, s.image, *s.options.config).value))};
}

const log_mover_actor& mover_of(self_pointer self, size_t log_dir) {
  auto& s = self->state;
  auto& mover = s.movers[log_dir];
  if (mover == nullptr) {
    mover = s.env->spawn_blocking(
      self->system(), log_mover, s.env, mover_settings(s));
    self->link_to(mover);
  }
  return mover;
}

void remove_copy(self_pointer self, const std::string& directory) {
  const auto& s = self->state;
  const auto log_dir = s.options.dirs->find(parent_directory(directory));
  MILLRACE_ASSERT(log_dir, "copies are made in log directories");
  tell(self, remover(s, *log_dir), remove_paths{{directory}});
}

/// Of a replica that runs, into a fresh directory.
void order_copy(self_pointer self, const topic_partition& name,
  broker_state::replica_move& move) {
  auto& s = self->state;
  const auto& replica = s.replicas.at(name);
  const auto* topic = s.image.find_topic(replica.topic_id);
  tell(self, replica.actor, hold_compaction{true});
  tell(self, mover_of(self, move.to),
    copy_log{name, caf::actor_cast<caf::strong_actor_ptr>(replica.actor),
      move.directory, settings_of(s, *topic, name.partition).log});
}

kafka_error begin_move(
  self_pointer self, const topic_partition& name, size_t to) {
  auto& s = self->state;
  const auto& replica = s.replicas.at(name);
  auto directory = s.options.dirs->begin_move(name, replica.topic_id, to);
  if (!directory) {
    log::error("partition {} cannot be moved to {}: {}", to_string(name),
      s.options.dirs->all()[to].path, to_string(directory.error()));
    return kafka_error::kafka_storage_error;
  }
  auto& move = s.moves[name];
  move.topic = replica.topic_id;
  move.to = to;
  move.directory = std::move(*directory);
  order_copy(self, name, move);
  return kafka_error::none;
}

kafka_error why_not_here(const broker_state& s, const topic_partition& name) {
  const auto* topic = s.image.find_topic(name.topic);
  if (topic == nullptr || name.partition < 0
      || static_cast<size_t>(name.partition) >= topic->partitions.size())
    return kafka_error::unknown_topic_or_partition;
  return s.failed.contains(name) ? kafka_error::kafka_storage_error
                                 : kafka_error::replica_not_available;
}

kafka_error alter(self_pointer self, const move_replica& wanted) {
  auto& s = self->state;
  const auto to = s.options.dirs->find(wanted.log_dir);
  if (!to)
    return kafka_error::log_dir_not_found;
  if (s.options.dirs->all()[*to].places == nullptr)
    return kafka_error::kafka_storage_error;
  const auto move = s.moves.find(wanted.name);
  if (move != s.moves.end() && move->second.to == *to)
    return kafka_error::none;
  if (move != s.moves.end() && move->second.at != stage::copying)
    return kafka_error::kafka_storage_error; // it is about to end
  if (!s.replicas.contains(wanted.name)) {
    const auto why = why_not_here(s, wanted.name);
    if (why == kafka_error::replica_not_available)
      s.options.dirs->prefer(wanted.name, *to); // where it is to be made
    return why;
  }
  if (move != s.moves.end())
    cancel_move(self, wanted.name);
  return s.options.dirs->home_of(wanted.name) == to
           ? kafka_error::none
           : begin_move(self, wanted.name, *to);
}

/// The replica runs again, where its log is now.
void run_again(
  self_pointer self, const topic_partition& name, broker_news& news) {
  auto& s = self->state;
  if (const auto* topic = s.image.find_topic(name.topic))
    follow_topic(self, *topic, news);
  if (s.replicas.contains(name))
    return;
  // Its topic has gone meanwhile, or its place here.
  const auto home = s.options.dirs->home_of(name);
  if (!home || s.failed.contains(name))
    return;
  if (auto left = s.options.dirs->mark_deleted(name))
    tell(self, remover(s, *home), remove_paths{{*left}});
}

} // namespace

void on_log_dirs_ask(self_pointer self, const log_dirs_ask& ask) {
  auto& s = self->state;
  log_dirs_answer answer;
  answer.ticket = ask.ticket;
  for (const auto& directory : s.options.dirs->all())
    answer.dirs.push_back({directory.path, directory.places == nullptr});
  if (const auto* wanted = std::get_if<alter_replica_log_dirs>(&ask.question)) {
    for (const auto& move : wanted->moves)
      answer.outcomes.push_back(s.stopping == nullptr && s.registered
                                  ? alter(self, move)
                                  : kafka_error::replica_not_available);
  } else {
    for (const auto& name :
      std::get<describe_log_dirs>(ask.question).partitions) {
      const auto home = s.options.dirs->home_of(name);
      answer.homes.push_back(home ? static_cast<int32_t>(*home) : -1);
    }
    for (const auto& [name, move] : s.moves)
      answer.future.push_back({name, move.to, move.size_bytes, move.end});
  }
  tell(self, self->current_sender(), std::move(answer));
}

void resume_moves(self_pointer self) {
  auto& s = self->state;
  for (const auto& move : s.options.dirs->unfinished())
    if (s.replicas.contains(move.name) && !s.moves.contains(move.name)
        && s.options.dirs->home_of(move.name) != move.to)
      begin_move(self, move.name, move.to);
}

void follow_move(self_pointer self, const topic_partition& name) {
  auto& s = self->state;
  const auto at = s.moves.find(name);
  if (at == s.moves.end() || at->second.at == stage::closed)
    return;
  // Where the other copy was is told as it ends, and removed then.
  const auto to = at->second.to;
  cancel_move(self, name);
  begin_move(self, name, to);
}

void cancel_move(self_pointer self, const topic_partition& name) {
  auto& s = self->state;
  const auto at = s.moves.find(name);
  if (at == s.moves.end() || at->second.at == stage::closed)
    return;
  tell(self, s.movers.at(at->second.to), cancel_copy{name});
  if (const auto replica = s.replicas.find(name); replica != s.replicas.end())
    tell(self, replica->second.actor, hold_compaction{false});
  s.moves.erase(at);
}

void on_copy_progress(self_pointer self, const copy_progress& told) {
  auto& s = self->state;
  const auto at = s.moves.find(told.name);
  if (at == s.moves.end() || at->second.directory != told.directory)
    return; // of one that was given up
  at->second.size_bytes = told.size_bytes;
  at->second.end = told.end;
}

void on_copy_caught_up(
  self_pointer self, const copy_caught_up& told, broker_news& news) {
  auto& s = self->state;
  const auto at = s.moves.find(told.name);
  if (s.stopping != nullptr || at == s.moves.end()
      || at->second.directory != told.directory)
    return;
  at->second.at = stage::closing;
  pause_partition(self, told.name, news);
}

bool on_closed_for_move(self_pointer self, const partition_closed& closed) {
  auto& s = self->state;
  const auto at = s.moves.find(closed.name);
  if (s.stopping != nullptr || at == s.moves.end()
      || at->second.at != stage::closing)
    return false;
  at->second.at = stage::closed;
  s.replicas.erase(closed.name);
  auto& dirs = *s.options.dirs;
  if (closed.opened)
    dirs.set_hints(closed.name, closed.log_start, closed.log_end);
  const auto home = dirs.home_of(closed.name);
  tell(self, s.movers.at(at->second.to),
    finish_copy{closed.name,
      dirs.all()[*home].path + "/" + to_string(closed.name), closed.log_start,
      closed.log_end, closed.clean && closed.opened});
  return true;
}

void on_copy_ended(
  self_pointer self, const copy_ended& told, broker_news& news) {
  auto& s = self->state;
  const auto at = s.moves.find(told.name);
  const bool wanted
    = at != s.moves.end() && at->second.directory == told.directory;
  if (!wanted) {
    remove_copy(self, told.directory);
    return;
  }
  const auto move = at->second;
  s.moves.erase(at);
  if (!told.why.empty()) {
    log::error("partition {} could not be moved to {}, and stays where it is: "
               "{}",
      to_string(told.name), s.options.dirs->all()[move.to].path, told.why);
    remove_copy(self, told.directory);
    if (const auto replica = s.replicas.find(told.name);
      replica != s.replicas.end())
      tell(self, replica->second.actor, hold_compaction{false});
  } else {
    const auto home = *s.options.dirs->home_of(told.name);
    auto left = s.options.dirs->finish_move(
      told.name, move.to, move.directory, told.log_start, told.end);
    if (left)
      tell(self, remover(s, home), remove_paths{{*left}});
    else
      log::error("partition {} could not be moved to {}: {}",
        to_string(told.name), s.options.dirs->all()[move.to].path,
        to_string(left.error()));
  }
  if (move.at != stage::closed)
    return;
  s.options.dirs->release(told.name, move.topic);
  if (s.stopping == nullptr)
    run_again(self, told.name, news);
}

void set_movers(self_pointer self) {
  auto& s = self->state;
  for (const auto& [log_dir, mover] : s.movers)
    tell(self, mover, mover_settings(s));
}

} // namespace millrace
