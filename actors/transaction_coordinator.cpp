#include "actors/transaction_coordinator.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "schema/planted_bug.hpp"
#include "storage/record_builder.hpp"

#include <algorithm>

namespace millrace {

namespace {

using self_pointer = transaction_coordinator_actor::stateful_pointer<
  transaction_coordinator_state>;

/// Between two looks at a log that is not committed to its end yet.
constexpr auto replay_pause = std::chrono::milliseconds{20};

/// How long a question waits for the end of the transaction before it; then
/// its client is told that it is to come again, as Kafka tells it at once.
constexpr int64_t park_ms = 200;

shared_bytes batch_of(
  const std::vector<transaction_log_entry>& records, int64_t now_ms) {
  record_builder builder;
  for (const auto& record : records)
    builder.add(
      {.timestamp_ms = now_ms, .key = record.key, .value = record.value});
  auto batch = builder.finish();
  MILLRACE_ASSERT(batch.ok(), "records without a codec make a batch");
  return std::move(*batch);
}

void wake(self_pointer self, const std::vector<std::string>& moved);

void perform(self_pointer self, transaction_effects effects) {
  auto& s = self->state;
  if (!effects.records.empty()) {
    produce_many append;
    append.entries.push_back({.ticket = effects.append_id,
      .batch = batch_of(effects.records, s.env->wall_clock_ms()),
      .acks = planted(bug::transaction_answers_unreplicated) ? int16_t{1}
                                                             : int16_t{-1},
      .origin = append_origin::coordinator});
    tell(self, s.options.log, std::move(append));
  }
  for (auto& [token, reply] : effects.replies) {
    auto asked = s.open.extract(token);
    MILLRACE_ASSERT(!asked.empty(), "a token is answered once");
    tell(self, asked.mapped().asker,
      transaction_result{asked.mapped().ticket, std::move(reply)});
  }
  if (!effects.markers.empty())
    tell(self, s.options.front,
      markers_wanted{s.options.partition, s.transactions->coordinator_epoch(),
        std::move(effects.markers)});
  wake(self, effects.moved);
}

/// When something is to be done, in monotonic time.
std::optional<int64_t> next_deadline(const transaction_coordinator_state& s) {
  auto due = s.transactions->next_deadline();
  for (const auto& [id, asks] : s.parked)
    for (const auto& asked : asks)
      due = std::min(due.value_or(asked.until_ms), asked.until_ms);
  return due;
}

void arm_timer(self_pointer self) {
  auto& s = self->state;
  const auto due = next_deadline(s);
  if (!due || (s.timer_at_ms != 0 && s.timer_at_ms <= *due))
    return;
  s.timer_at_ms = std::max<int64_t>(*due, 1);
  const auto wait = std::max<int64_t>(*due - monotonic_ms(*self), 0);
  self->delayed_send(
    self, std::chrono::milliseconds{wait}, transaction_timer{++s.timer});
}

/// Whether a question uses up a producer id.
struct id_wanted {
  const transaction_registry& transactions;
  int16_t version;

  bool operator()(const kafka::init_producer_id_request& q) const {
    return transactions.wants_new_id(q);
  }
  bool operator()(const kafka::end_txn_request& q) const {
    return transactions.wants_new_id(version, q);
  }
  template <class Question>
  bool operator()(const Question&) const {
    return false;
  }
};

/// The id that a question waits for.
struct awaited_id {
  const transaction_registry& transactions;
  const transaction_context& who;

  const std::string* operator()(
    const kafka::describe_transactions_request&) const {
    return nullptr;
  }
  const std::string* operator()(const kafka::list_transactions_request&) const {
    return nullptr;
  }
  template <class Question>
  const std::string* operator()(const Question& q) const {
    return transactions.awaited(who, q);
  }
};

/// Hands a question to the registry.
struct question_handler {
  transaction_registry& transactions;
  const transaction_context& who;
  const transaction_ask& ask;
  std::optional<producer_id> new_id;

  transaction_effects operator()(
    const kafka::init_producer_id_request& q) const {
    return transactions.handle(who, q, new_id);
  }
  transaction_effects operator()(
    const kafka::add_partitions_to_txn_request& q) const {
    return transactions.handle(who, q);
  }
  transaction_effects operator()(
    const kafka::add_offsets_to_txn_request& q) const {
    return transactions.handle(who, q, ask.offsets_partitions);
  }
  transaction_effects operator()(const kafka::end_txn_request& q) const {
    return transactions.handle(who, q, new_id);
  }
  transaction_effects operator()(
    const kafka::describe_transactions_request& q) const {
    return at_once(transactions.describe(q));
  }
  transaction_effects operator()(
    const kafka::list_transactions_request& q) const {
    return at_once(transactions.list(q, who.wall_ms));
  }

private:
  template <class Response>
  [[nodiscard]] transaction_effects at_once(Response response) const {
    transaction_effects effects;
    effects.replies.emplace_back(who.token, std::move(response));
    return effects;
  }
};

void serve(self_pointer self, const caf::strong_actor_ptr& asker,
  const transaction_ask& ask, std::optional<producer_id> new_id) {
  auto& s = self->state;
  const transaction_context who{.token = s.next_token++,
    .version = ask.version,
    .now_ms = monotonic_ms(*self),
    .wall_ms = s.env->wall_clock_ms()};
  s.open.emplace(
    who.token, transaction_coordinator_state::open_ask{asker, ask.ticket});
  perform(self, std::visit(question_handler{*s.transactions, who, ask, new_id},
                  ask.question));
  arm_timer(self);
}

/// Whether the question waits for the transaction before it.
bool park(
  self_pointer self, transaction_coordinator_state::waiting_ask& asked) {
  auto& s = self->state;
  const auto now = monotonic_ms(*self);
  if (asked.until_ms == 0)
    asked.until_ms = now + park_ms;
  if (now >= asked.until_ms)
    return false;
  const transaction_context who{.version = asked.ask.version,
    .now_ms = now,
    .wall_ms = s.env->wall_clock_ms()};
  const auto* id
    = std::visit(awaited_id{*s.transactions, who}, asked.ask.question);
  if (id == nullptr)
    return false;
  s.parked[*id].push_back(std::move(asked));
  arm_timer(self);
  return true;
}

/// A producer id comes from the controller first, where one is needed.
void begin(
  self_pointer self, transaction_coordinator_state::waiting_ask asked) {
  auto& s = self->state;
  if (park(self, asked))
    return;
  if (!std::visit(
        id_wanted{*s.transactions, asked.ask.version}, asked.ask.question)) {
    serve(self, asked.asker, asked.ask, std::nullopt);
    return;
  }
  const auto ticket = s.next_token++;
  s.idless.emplace(ticket, std::move(asked));
  constexpr int16_t version = 4;
  tell(self, s.options.controller,
    admin_ask{ticket, version, kafka::init_producer_id_request{}});
}

void wake(self_pointer self, const std::vector<std::string>& moved) {
  auto& s = self->state;
  for (const auto& id : moved)
    if (auto asks = s.parked.extract(id); !asks.empty())
      for (auto& asked : asks.mapped())
        begin(self, std::move(asked));
}

/// They are told now that they are to come again.
void release_overdue(self_pointer self) {
  auto& s = self->state;
  const auto now = monotonic_ms(*self);
  std::vector<std::string> overdue;
  for (const auto& [id, asks] : s.parked)
    if (std::any_of(asks.begin(), asks.end(), [&](const auto& asked) {
          return asked.until_ms <= now;
        }))
      overdue.push_back(id);
  wake(self, overdue);
}

void on_id(self_pointer self, const admin_answer& answer) {
  auto& s = self->state;
  auto asked = s.idless.extract(answer.ticket);
  if (asked.empty())
    return;
  std::optional<producer_id> id;
  if (const auto* reply
      = std::get_if<kafka::init_producer_id_response>(&answer.reply);
    reply != nullptr && reply->error_code == 0)
    id = producer_id{reply->producer_id};
  serve(self, asked.mapped().asker, asked.mapped().ask, id);
}

/// Whether an append that failed so may have been written all the same.
bool is_unknown(kafka_error error) {
  return error == kafka_error::not_enough_replicas_after_append
         || error == kafka_error::request_timed_out;
}

void on_appended(self_pointer self, const produce_results& message) {
  auto& s = self->state;
  const auto now = monotonic_ms(*self);
  for (const auto& r : message.results) {
    perform(self, s.transactions->on_appended(
                    r.ticket, r.error, now, s.env->wall_clock_ms()));
    if (is_unknown(r.error)) {
      // Only a replay can tell what became of the records.
      log::warn("the transactions of __transaction_state-{} are loaded again: "
                "{}",
        s.options.partition, to_string(r.error));
      self->quit(caf::exit_reason::user_shutdown);
      return;
    }
    if (r.error != kafka_error::none && now >= s.next_complaint_ms) {
      s.next_complaint_ms = now + 60'000;
      log::error("__transaction_state-{} could not be written: {} {}",
        s.options.partition, to_string(r.error), r.message);
    }
  }
  arm_timer(self);
}

void ask_more(self_pointer self) {
  auto& s = self->state;
  tell(self, s.options.log, log_ask{0, ask_bytes{s.replay.next()}});
}

void finish_load(self_pointer self) {
  auto& s = self->state;
  s.loaded = true;
  perform(self, s.transactions->finish_load(s.options.epoch.value,
                  monotonic_ms(*self), s.env->wall_clock_ms()));
  for (auto& asked : std::exchange(s.waiting, {}))
    begin(self, std::move(asked));
  arm_timer(self);
}

void on_bytes(self_pointer self, const log_answer& answer) {
  auto& s = self->state;
  const auto step = s.replay.take(answer, [&](const record_view& record) {
    return s.transactions->replay(*record.key, record.value);
  });
  if (!step) {
    log::error("the transactions of __transaction_state-{} cannot be loaded: "
               "{}",
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

void on_markers(self_pointer self, const markers_written& message) {
  auto& s = self->state;
  for (const auto& m : message.markers)
    perform(self,
      s.transactions->on_markers_written(m.transactional_id, m.id, m.epoch,
        m.partitions, monotonic_ms(*self), s.env->wall_clock_ms()));
  arm_timer(self);
}

} // namespace

transaction_coordinator_actor::behavior_type transaction_coordinator(
  self_pointer self, environment* env,
  transaction_coordinator_options options) {
  auto& state = self->state;
  state.env = env;
  state.options = std::move(options);
  state.transactions
    = std::make_unique<transaction_registry>(state.options.config);
  ask_more(self);
  return {
    [=](transaction_ask& ask) {
      auto& s = self->state;
      transaction_coordinator_state::waiting_ask asked{
        self->current_sender(), std::move(ask)};
      if (s.loaded)
        begin(self, std::move(asked));
      else
        s.waiting.push_back(std::move(asked));
    },
    [=](const produce_results& message) {
      on_appended(self, message);
    },
    [=](const log_answer& answer) {
      on_bytes(self, answer);
    },
    [=](const admin_answer& answer) {
      on_id(self, answer);
    },
    [=](const markers_written& message) {
      on_markers(self, message);
    },
    [=](replay_more) {
      ask_more(self);
    },
    [=](const transaction_timer& timer) {
      auto& s = self->state;
      if (timer.generation != s.timer)
        return; // an earlier one has been set since
      s.timer_at_ms = 0;
      release_overdue(self);
      perform(self,
        s.transactions->on_timer(monotonic_ms(*self), s.env->wall_clock_ms()));
      arm_timer(self);
    },
  };
}

} // namespace millrace
