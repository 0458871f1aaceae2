#include "actors/group_coordinator.hpp"

#include "actors/group_coordinator_load.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "cluster/group_answers.hpp"
#include "cluster/transaction_errors.hpp"
#include "schema/planted_bug.hpp"
#include "storage/control_batch.hpp"
#include "storage/record_builder.hpp"

namespace millrace {

namespace {

using self_pointer = group_coordinator_pointer;

/// Appends to the log, without end to the patience: the outcome of an append
/// that nobody waits for any more would be unknown.
void append(self_pointer self, produce_entry entry,
  group_coordinator_state::append about) {
  auto& s = self->state;
  s.appending[entry.ticket] = std::move(about);
  entry.acks
    = planted(bug::group_answers_unreplicated) ? int16_t{1} : int16_t{-1};
  entry.timeout_ms = -1;
  entry.origin = append_origin::coordinator;
  produce_many message;
  message.entries.push_back(std::move(entry));
  tell(self, s.options.log, std::move(message));
}

shared_bytes batch_of(const group_effects& effects, int64_t timestamp_ms) {
  record_builder builder;
  if (effects.transaction)
    builder.set_transaction(
      effects.transaction->id, effects.transaction->epoch);
  for (const auto& record : effects.records)
    builder.add(
      {.timestamp_ms = timestamp_ms, .key = record.key, .value = record.value});
  auto batch = builder.finish();
  MILLRACE_ASSERT(batch.ok(), "records without a codec make a batch");
  return std::move(*batch);
}

void perform(self_pointer self, group_effects effects) {
  auto& s = self->state;
  if (!effects.records.empty())
    append(self,
      {.ticket = effects.append_id,
        .batch = batch_of(effects, s.env->wall_clock_ms())},
      {.records = static_cast<int64_t>(effects.records.size())});
  for (auto& [token, reply] : effects.replies) {
    const auto at = s.open.find(token);
    MILLRACE_ASSERT(at != s.open.end(), "a token is answered once");
    tell(self, at->second.asker,
      group_answer{at->second.ticket, std::move(reply)});
    s.open.erase(at);
  }
  for (auto& [id, question] : effects.share_orders)
    tell(self, s.options.shares, share_state_ask{id, std::move(question)});
}

void arm_timer(self_pointer self) {
  auto& s = self->state;
  const auto due = s.groups->next_deadline();
  if (!due || (s.timer_at_ms != 0 && s.timer_at_ms <= *due))
    return;
  s.timer_at_ms = std::max<int64_t>(*due, 1);
  const auto wait = std::max<int64_t>(*due - monotonic_ms(*self), 0);
  self->delayed_send(
    self, std::chrono::milliseconds{wait}, group_timer{++s.timer});
}

void serve(
  self_pointer self, const caf::strong_actor_ptr& asker, group_ask& ask) {
  auto& s = self->state;
  const group_request_context context{.token = s.next_token++,
    .version = ask.version,
    .client_id = std::move(ask.client_id),
    .client_host = std::move(ask.client_host),
    .now_ms = monotonic_ms(*self),
    .wall_ms = s.env->wall_clock_ms()};
  s.open.emplace(
    context.token, group_coordinator_state::open_ask{asker, ask.ticket});
  perform(self, std::visit(
                  [&](auto& q) {
                    return s.groups->handle(context, q);
                  },
                  ask.question));
  arm_timer(self);
}

/// The coordinator of the transaction must know that it has this log, or its
/// marker would never come here (KIP-890).
void check(self_pointer self, const caf::strong_actor_ptr& asker, group_ask ask,
  const kafka::txn_offset_commit_request& commit) {
  auto& s = self->state;
  const auto ticket = s.next_check++;
  const transaction_check question{.transactional_id = commit.transactional_id,
    .id = producer_id{commit.producer_id},
    .epoch = commit.producer_epoch,
    .adds = offset_commit_support(ask.version)
            == transaction_support::adds_partitions,
    .partitions = {{offsets_topic_name, s.options.partition}}};
  tell(self, s.options.transactions, check_transaction{ticket, question});
  s.checks.emplace(ticket,
    group_coordinator_state::checked_ask{asker, std::move(ask), question});
}

void begin(
  self_pointer self, const caf::strong_actor_ptr& asker, group_ask& ask) {
  const auto* commit
    = std::get_if<kafka::txn_offset_commit_request>(&ask.question);
  if (commit == nullptr)
    serve(self, asker, ask);
  else
    check(self, asker, ask, *commit);
}

/// What may pass has no code of its own here: the client looks for the
/// coordinator, and comes again.
kafka_error offsets_error(int16_t version, kafka_error error) {
  const auto told
    = transaction_check_error(offset_commit_support(version), error);
  return told == kafka_error::not_enough_replicas
           ? kafka_error::coordinator_not_available
           : told;
}

void on_checked(self_pointer self, const transaction_checked& checked) {
  auto& s = self->state;
  auto found = s.checks.extract(checked.ticket);
  MILLRACE_ASSERT(!found.empty(), "a question is answered once");
  auto& asked = found.mapped();
  const auto error
    = asked.ended ? kafka_error::transaction_abortable : checked.error;
  if (error == kafka_error::none) {
    serve(self, asked.asker, asked.ask);
    return;
  }
  const auto& commit
    = std::get<kafka::txn_offset_commit_request>(asked.ask.question);
  tell(self, asked.asker,
    group_answer{asked.ask.ticket, txn_offset_commit_answer(commit,
                                     offsets_error(asked.ask.version, error))});
}

std::optional<end_transaction_marker> marker_of(const shared_bytes& batch) {
  if (batch.size() < batch_view::header_size)
    return std::nullopt;
  const batch_view view{batch.span()};
  if (!view.plausible() || view.size() != static_cast<int64_t>(batch.size()))
    return std::nullopt;
  return marker_in(view);
}

/// The marker goes through this actor's hands, so that it knows what is before
/// it in the log, and what behind it.
void append_marker(
  self_pointer self, const caf::strong_actor_ptr& asker, produce_entry entry) {
  auto& s = self->state;
  const auto marker = marker_of(entry.batch);
  if (!marker) {
    produce_results refused;
    refused.results.push_back({.ticket = entry.ticket,
      .error = kafka_error::invalid_record,
      .message = "only ends of transactions are appended here"});
    tell(self, asker, std::move(refused));
    return;
  }
  for (auto& [id, asked] : s.checks)
    asked.ended = asked.ended
                  || (asked.question.id == marker->producer
                      && asked.question.is_ended_by(marker->epoch));
  const auto ticket = std::exchange(
    entry.ticket, s.groups->begin_marker(marker->producer, marker->commit));
  append(self, std::move(entry), {1, asker, ticket});
}

void forget_topics(self_pointer self, const std::vector<std::string>& names) {
  auto& s = self->state;
  perform(self, s.groups->on_topics_deleted(
                  names, monotonic_ms(*self), s.env->wall_clock_ms()));
}

/// Whether an append that failed so may have been written all the same.
bool is_unknown(kafka_error error) {
  return error == kafka_error::not_enough_replicas_after_append
         || error == kafka_error::request_timed_out;
}

/// A full disk is logged now and then; a producer that was fenced is not.
void complain(self_pointer self, const produce_result& r) {
  auto& s = self->state;
  if (r.error == kafka_error::none || is_unknown(r.error)
      || r.error == kafka_error::invalid_producer_epoch
      || monotonic_ms(*self) < s.next_complaint_ms)
    return;
  s.next_complaint_ms = monotonic_ms(*self) + 60'000;
  log::error("__consumer_offsets-{} could not be written: {} {}",
    s.options.partition, to_string(r.error), r.message);
}

void report(group_coordinator_state& s) {
  std::map<std::string, group_status> all;
  for (const auto& [id, group] : s.groups->groups())
    all[id] = {id, static_cast<int64_t>(group.members().size()), {}};
  for (const auto& [id, live] : s.groups->consumers().groups())
    if (const auto* group = s.groups->consumers().find_committed(id))
      all[id] = {id, static_cast<int64_t>(group->members().size()), {}};
  for (const auto& [id, live] : s.groups->shares().groups())
    if (const auto* group = s.groups->shares().find_committed(id))
      all[id] = {id, static_cast<int64_t>(group->members().size()), {}};
  for (const auto& id : s.groups->offsets().groups()) {
    auto& status = all[id];
    status.group = id;
    s.groups->offsets().for_each_committed(
      id, [&](const std::string& topic, int32_t partition,
            const committed_offset& value) {
        status.committed[{topic, partition}] = value.offset;
      });
  }
  std::vector<group_status> groups;
  for (auto& [id, status] : all)
    groups.push_back(std::move(status));
  s.options.status->set_groups(s.options.partition, std::move(groups));
}

/// Everything is known: what has waited for that is done now.
void begin_to_serve(self_pointer self) {
  auto& s = self->state;
  s.image_keys.clear();
  s.applied_end = s.next_to_replay;
  s.groups->finish_load(monotonic_ms(*self), s.env->wall_clock_ms());
  s.loaded = true;
  for (auto& [asker, ask] : std::exchange(s.waiting, {}))
    begin(self, asker, ask);
  for (auto& [asker, entry] : std::exchange(s.waiting_markers, {}))
    append_marker(self, asker, std::move(entry));
  if (!s.topics_gone_early.empty())
    forget_topics(self, std::exchange(s.topics_gone_early, {}));
  arm_timer(self);
}

void on_appended(self_pointer self, produce_result r) {
  auto& s = self->state;
  const auto at = s.appending.find(r.ticket);
  MILLRACE_ASSERT(at != s.appending.end(), "an append ends once");
  const auto about = std::move(at->second);
  s.appending.erase(at);
  // A marker that was there already has no offset.
  if (r.error == kafka_error::none && r.base_offset.value >= 0)
    s.applied_end = r.base_offset + about.records;
  perform(self, s.groups->on_appended(r.ticket, r.error, r.base_offset,
                  monotonic_ms(*self), s.env->wall_clock_ms()));
  if (about.asker == nullptr) {
    complain(self, r);
    return;
  }
  r.ticket = about.ticket;
  produce_results answer;
  answer.results.push_back(std::move(r));
  tell(self, about.asker, std::move(answer));
}

} // namespace

group_coordinator_actor::behavior_type group_coordinator(
  self_pointer self, environment* env, group_coordinator_options options) {
  auto& state = self->state;
  state.env = env;
  state.options = std::move(options);
  ask_for_image(self);
  return {
    [=](group_ask& ask) {
      auto& s = self->state;
      if (s.loaded || planted(bug::group_serves_unloaded))
        begin(self, self->current_sender(), ask);
      else
        s.waiting.push_back({self->current_sender(), std::move(ask)});
    },
    [=](const transaction_checked& checked) {
      on_checked(self, checked);
    },
    [=](produce_many& message) {
      auto& s = self->state;
      for (auto& entry : message.entries)
        if (s.loaded)
          append_marker(self, self->current_sender(), std::move(entry));
        else
          s.waiting_markers.push_back(
            {self->current_sender(), std::move(entry)});
    },
    [=](const produce_results& message) {
      auto& s = self->state;
      for (const auto& r : message.results) {
        on_appended(self, r);
        if (is_unknown(r.error)) {
          // The records may or may not be committed later: only a replay can
          // tell.
          log::warn("the groups of __consumer_offsets-{} are loaded again: {}",
            s.options.partition, to_string(r.error));
          self->quit(caf::exit_reason::user_shutdown);
          return;
        }
      }
      arm_timer(self);
    },
    [=](const log_answer& answer) {
      if (on_bytes(self, answer))
        begin_to_serve(self);
    },
    [=](replay_more) {
      replay_some(self);
    },
    [](const image_committed&) {
      // Nothing waits for it: what is not in the image is in the log.
    },
    [=](const group_timer& timer) {
      auto& s = self->state;
      if (timer.generation != s.timer)
        return; // an earlier one has been set since
      s.timer_at_ms = 0;
      perform(
        self, s.groups->on_timer(monotonic_ms(*self), s.env->wall_clock_ms()));
      arm_timer(self);
    },
    [=](const image_pairs& image) {
      begin_replay(self, image);
    },
    [=](share_state_result& result) {
      auto& s = self->state;
      perform(
        self, s.groups->on_share_state(result.ticket, std::move(result.answer),
                monotonic_ms(*self), s.env->wall_clock_ms()));
      arm_timer(self);
    },
    [=](report_groups) {
      if (!self->state.loaded)
        return;
      report(self->state);
      save_image(self);
    },
    [=](const topics_known& news) {
      self->state.topics = news.topics;
      self->state.groups->set_topics(news.topics);
    },
    [=](const groups_configured& news) {
      self->state.overrides = news.overrides;
      self->state.groups->configure(news.overrides);
    },
    [=](const topics_gone& gone) {
      auto& s = self->state;
      if (s.loaded)
        forget_topics(self, gone.names);
      else
        s.topics_gone_early.insert(
          s.topics_gone_early.end(), gone.names.begin(), gone.names.end());
    },
  };
}

} // namespace millrace
