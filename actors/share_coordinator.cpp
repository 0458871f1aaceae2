#include "actors/share_coordinator.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "schema/planted_bug.hpp"
#include "storage/record_builder.hpp"

namespace millrace {

namespace {

using self_pointer
  = share_coordinator_actor::stateful_pointer<share_coordinator_state>;

/// Between two looks at a log that is not committed to its end yet.
constexpr auto replay_pause = std::chrono::milliseconds{20};
/// share.coordinator.state.topic.prune.interval.ms of Kafka is as long.
constexpr auto prune_pause = std::chrono::minutes{5};
constexpr int64_t complaint_pause_ms = 60'000;

constexpr uint64_t replay_ticket = 0;
constexpr uint64_t delete_ticket = 1;

shared_bytes batch_of(
  const std::vector<share_state_entry>& records, int64_t now_ms) {
  record_builder builder;
  for (const auto& record : records)
    builder.add(
      {.timestamp_ms = now_ms, .key = record.key, .value = record.value});
  auto batch = builder.finish();
  MILLRACE_ASSERT(batch.ok(), "records without a codec make a batch");
  return std::move(*batch);
}

void perform(self_pointer self, share_state_effects effects) {
  auto& s = self->state;
  if (!effects.records.empty()) {
    produce_many append;
    append.entries.push_back({.ticket = effects.append_id,
      .batch = batch_of(effects.records, s.env->wall_clock_ms()),
      .acks
      = planted(bug::share_answers_unreplicated) ? int16_t{1} : int16_t{-1},
      .origin = append_origin::coordinator});
    tell(self, s.options.log, std::move(append));
  }
  for (auto& [token, answer] : effects.replies) {
    auto asked = s.open.extract(token);
    MILLRACE_ASSERT(!asked.empty(), "a token is answered once");
    tell(self, asked.mapped().asker,
      share_state_result{asked.mapped().ticket, std::move(answer)});
  }
}

void serve(self_pointer self, const caf::strong_actor_ptr& asker,
  const share_state_ask& ask) {
  auto& s = self->state;
  const auto token = s.next_token++;
  s.open.emplace(token, share_coordinator_state::open_ask{asker, ask.ticket});
  perform(self, s.states->handle(token, ask.question, s.env->wall_clock_ms()));
}

/// Whether an append that failed so may have been written all the same.
bool is_unknown(kafka_error error) {
  return error == kafka_error::not_enough_replicas_after_append
         || error == kafka_error::request_timed_out;
}

void complain(self_pointer self, const produce_result& r) {
  auto& s = self->state;
  const auto now = monotonic_ms(*self);
  if (now < s.next_complaint_ms)
    return;
  s.next_complaint_ms = now + complaint_pause_ms;
  log::error("__share_group_state-{} could not be written: {} {}",
    s.options.partition, to_string(r.error), r.message);
}

void on_appended(self_pointer self, const produce_results& message) {
  auto& s = self->state;
  for (const auto& r : message.results) {
    perform(self, s.states->on_appended(r.ticket, r.error, r.base_offset));
    if (is_unknown(r.error)) {
      // Only a replay can tell what became of the records.
      log::warn("the share partitions of __share_group_state-{} are loaded "
                "again: {}",
        s.options.partition, to_string(r.error));
      self->quit(caf::exit_reason::user_shutdown);
      return;
    }
    if (r.error != kafka_error::none)
      complain(self, r);
  }
}

void ask_more(self_pointer self) {
  auto& s = self->state;
  tell(self, s.options.log, log_ask{replay_ticket, ask_bytes{s.replay.next()}});
}

void prune_later(self_pointer self) {
  self->delayed_send(self, prune_pause, share_state_timer{});
}

void finish_load(self_pointer self) {
  auto& s = self->state;
  s.loaded = true;
  s.states->finish_load();
  for (auto& [asker, ask] : std::exchange(s.waiting, {}))
    serve(self, asker, ask);
  prune_later(self);
}

void on_bytes(self_pointer self, const log_answer& answer) {
  auto& s = self->state;
  const auto step = s.replay.take(answer, [&](const record_view& record) {
    return s.states->replay(record.at, *record.key, record.value);
  });
  if (!step) {
    log::error("the share partitions of __share_group_state-{} cannot be "
               "loaded: {}",
      s.options.partition, to_string(step.error()));
    self->quit(caf::exit_reason::unhandled_exception);
    return;
  }
  switch (*step) {
  case coordinator_replay::step::more:
    ask_more(self);
    break;
  case coordinator_replay::step::later:
    self->delayed_send(self, replay_pause, replay_more{});
    break;
  case coordinator_replay::step::done:
    finish_load(self);
    break;
  }
}

/// What comes before the last snapshots.
void prune(self_pointer self) {
  auto& s = self->state;
  perform(self, s.states->on_timer(s.env->wall_clock_ms()));
  const auto end = s.states->redundant_end();
  if (end <= s.deleted_end)
    return;
  s.deleted_end = end;
  tell(self, s.options.log, log_ask{delete_ticket, ask_delete_records{end}});
}

/// A view may be older than what a coordinator before this one has begun: only
/// a topic that was seen is missed.
void follow_topics(self_pointer self, const topic_view& view) {
  auto& s = self->state;
  std::set<uuid> there;
  for (const auto& topic : view.topics())
    there.insert(topic.id);
  std::set<uuid> gone;
  for (const auto& id : s.topics)
    if (!there.contains(id))
      gone.insert(id);
  if (!s.loaded) {
    // What is missing is found when it has been read.
    there.insert(gone.begin(), gone.end());
    s.topics = std::move(there);
    return;
  }
  s.topics = std::move(there);
  if (!gone.empty())
    perform(self, s.states->on_topics_gone(gone));
}

} // namespace

share_coordinator_actor::behavior_type share_coordinator(
  self_pointer self, environment* env, share_coordinator_options options) {
  auto& state = self->state;
  state.env = env;
  state.options = std::move(options);
  state.states = std::make_unique<share_state_registry>(state.options.config);
  ask_more(self);
  return {
    [=](share_state_ask& ask) {
      auto& s = self->state;
      if (s.loaded)
        serve(self, self->current_sender(), ask);
      else
        s.waiting.push_back({self->current_sender(), std::move(ask)});
    },
    [=](const produce_results& message) {
      on_appended(self, message);
    },
    [=](const log_answer& answer) {
      if (answer.ticket == replay_ticket)
        on_bytes(self, answer);
      else if (answer.error != kafka_error::none)
        self->state.deleted_end = offset{0}; // it is tried again
    },
    [=](replay_more) {
      ask_more(self);
    },
    [=](const topics_known& news) {
      follow_topics(self, *news.topics);
    },
    [=](const share_state_timer&) {
      prune(self);
      prune_later(self);
    },
  };
}

} // namespace millrace
