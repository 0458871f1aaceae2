#include "actors/group_coordinator.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "schema/planted_bug.hpp"
#include "storage/control_batch.hpp"
#include "storage/record_builder.hpp"
#include "storage/record_reader.hpp"

namespace millrace {

namespace {

/// Between two looks at a log that is not committed to its end yet.
constexpr auto replay_pause = std::chrono::milliseconds{20};

using self_pointer
  = group_coordinator_actor::stateful_pointer<group_coordinator_state>;

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

/// `g/<partition>/`: where the image of these groups lies.
std::string image_prefix(const group_coordinator_state& s) {
  return "g/" + std::to_string(s.options.partition) + "/";
}

/// The key, next to those of group_image, that says up to where the image
/// goes and of which topic's log.
constexpr const char* head_key = "head";

void save(self_pointer self) {
  auto& s = self->state;
  if (s.applied_end == s.saved_end)
    return;
  const auto prefix = image_prefix(s);
  image_commit commit{static_cast<uint64_t>(s.applied_end.value), {}};
  for (auto& change : s.groups->take_changes())
    commit.writes.push_back({prefix + change.key, std::move(change.value)});
  commit.writes.push_back({prefix + head_key,
    to_string(s.options.topic_id) + " " + std::to_string(s.applied_end.value)});
  s.saved_end = s.applied_end;
  tell(self, s.options.keeper, std::move(commit));
}

/// Takes the image that was there away: it is not of this log.
void discard_image(self_pointer self) {
  auto& s = self->state;
  image_commit commit;
  for (auto& key : std::exchange(s.image_keys, {}))
    commit.writes.push_back({image_prefix(s) + key, std::nullopt});
  if (!commit.writes.empty())
    tell(self, s.options.keeper, std::move(commit));
}

/// Where the replay of the log goes on, or nothing if the image is of
/// another log or cannot be read.
std::optional<offset> load(
  group_coordinator_state& s, const image_pairs& image) {
  std::optional<offset> applied;
  for (const auto& [key, value] : image.pairs)
    if (key == head_key && value.size() > 23
        && value.substr(0, 22) == to_string(s.options.topic_id))
      applied = offset{std::strtoll(value.c_str() + 23, nullptr, 10)};
  if (!applied)
    return std::nullopt;
  for (const auto& [key, value] : image.pairs)
    if (key != head_key)
      if (auto done = s.groups->load(key, value); !done) {
        log::warn("the image of the groups of __consumer_offsets-{} cannot "
                  "be used: {}",
          s.options.partition, to_string(done.error()));
        return std::nullopt;
      }
  return applied;
}

/// An empty registry, to be filled from the beginning of the log.
void start_over(group_coordinator_state& s) {
  s.groups = std::make_unique<group_registry>(s.options.config, [env = s.env] {
    return env->random_uuid();
  });
  s.next_to_replay = offset{0};
  s.replay_from = offset{0};
}

void replay_some(self_pointer self) {
  auto& s = self->state;
  tell(self, s.options.log, log_ask{0, ask_bytes{s.next_to_replay}});
}

/// Applies a batch, or the part of it that is not in the image.
result<void> replay(group_coordinator_state& s, const batch_view& batch) {
  if (batch.is_control()) {
    const auto marker = marker_in(batch);
    if (marker && batch.base_offset() >= s.next_to_replay)
      s.groups->replay_marker(marker->producer, marker->commit);
    return {};
  }
  const auto producer
    = batch.is_transactional() ? batch.producer() : producer_id{-1};
  result<void> applied;
  auto read = read_records(batch, [&](const record_view& record) {
    if (applied.ok() && record.key && record.at >= s.next_to_replay)
      applied
        = s.groups->replay({record.at, producer}, *record.key, record.value);
  });
  return applied.ok() ? std::move(read) : std::move(applied);
}

/// Applies what came, and moves on.
result<void> replay(group_coordinator_state& s, const log_answer& answer) {
  const auto next = for_each_batch(
    answer.bytes.span(), s.next_to_replay, [&](const batch_view& batch) {
      return replay(s, batch);
    });
  MILLRACE_TRY(next);
  s.next_to_replay = *next;
  return {};
}

void on_bytes(self_pointer self, const log_answer& answer) {
  auto& s = self->state;
  if (answer.error == kafka_error::not_leader_or_follower) {
    // The partition has yet to hear that it leads, or leads no more.
    self->delayed_send(self, replay_pause, replay_more{});
    return;
  }
  if (answer.error != kafka_error::none) {
    log::error("the groups of __consumer_offsets-{} cannot be loaded: {} {}",
      s.options.partition, to_string(answer.error), answer.message);
    self->quit(caf::exit_reason::unhandled_exception);
    return;
  }
  if (s.next_to_replay < answer.log_start) {
    // R21: what the image had is neither there nor in the log.
    log::error("the committed offsets of __consumer_offsets-{} below {} are "
               "lost with their image; groups that committed nothing since "
               "begin as auto.offset.reset says",
      s.options.partition, answer.log_start.value);
    s.next_to_replay = answer.log_start;
  }
  if (auto done = replay(s, answer); !done) {
    log::error("the groups of __consumer_offsets-{} cannot be loaded: {}",
      s.options.partition, to_string(done.error()));
    self->quit(caf::exit_reason::unhandled_exception);
    return;
  }
  if (s.next_to_replay < answer.high_watermark) {
    replay_some(self);
    return;
  }
  if (s.next_to_replay < answer.log_end) {
    // Earlier leaders left it: it will be committed here, and until then
    // nothing is known for sure (R20).
    self->delayed_send(self, replay_pause, replay_more{});
    return;
  }
  if (s.replay_from > answer.high_watermark) {
    // R21: an image that is ahead of its log is of a log that is gone.
    log::warn("the image of the groups of __consumer_offsets-{} is ahead of "
              "its log and is built again: it has {}, and the log {} of {}",
      s.options.partition, s.replay_from.value, answer.high_watermark.value,
      answer.log_end.value);
    discard_image(self);
    start_over(s);
    replay_some(self);
    return;
  }
  s.image_keys.clear();
  s.applied_end = s.next_to_replay;
  s.groups->finish_load(monotonic_ms(*self), s.env->wall_clock_ms());
  s.loaded = true;
  for (auto& [asker, ask] : std::exchange(s.waiting, {}))
    serve(self, asker, ask);
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
  start_over(state);
  tell(self, state.options.keeper, image_ask{image_prefix(state)});
  return {
    [=](group_ask& ask) {
      auto& s = self->state;
      if (s.loaded || planted(bug::group_serves_unloaded))
        serve(self, self->current_sender(), ask);
      else
        s.waiting.push_back({self->current_sender(), std::move(ask)});
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
      on_bytes(self, answer);
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
      auto& s = self->state;
      if (!image.why.empty())
        log::warn("the image of the groups of __consumer_offsets-{} cannot "
                  "be read: {}",
          s.options.partition, image.why);
      for (const auto& [key, value] : image.pairs)
        s.image_keys.push_back(key);
      if (const auto applied = load(s, image)) {
        s.next_to_replay = s.replay_from = s.saved_end = *applied;
      } else {
        discard_image(self);
        start_over(s);
      }
      replay_some(self);
    },
    [=](report_groups) {
      if (!self->state.loaded)
        return;
      report(self->state);
      save(self);
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
