#include "actors/partition_questions.hpp"

#include "actors/log.hpp"
#include "actors/partition_compaction.hpp"
#include "actors/partition_leader.hpp"
#include "actors/partition_sync.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

kafka_error error_of(const error& e) {
  switch (e.code) {
  case errc::out_of_range:
    return kafka_error::offset_out_of_range;
  case errc::corrupt:
    return kafka_error::corrupt_message;
  default:
    return kafka_error::kafka_storage_error;
  }
}

// The special timestamps of ListOffsets.
constexpr int64_t latest = -1;
constexpr int64_t earliest = -2;
constexpr int64_t max_timestamp = -3;
constexpr int64_t earliest_local = -4;

/// Fills one log_answer, by kind of question.
struct answerer {
  self_pointer self;
  log_answer& answer;

  void operator()(const ask_offset_by_time& q) const {
    auto& s = self->state;
    answer.error = check_epoch(s, q.current_epoch);
    if (answer.error != kafka_error::none)
      return;
    const auto limit = q.read_committed
                         ? s.log->last_stable_offset(s.high_watermark)
                         : s.high_watermark;
    if (q.timestamp == latest && s.high_watermark < s.replicas->epoch_start()) {
      // KIP-207: an earlier leader may have told more than is known here yet.
      answer.error = kafka_error::offset_not_available;
    } else if (q.timestamp == latest) {
      answer.found = limit;
      answer.epoch = s.options.registration.epoch;
    } else if (q.timestamp == earliest || q.timestamp == earliest_local) {
      answer.found = s.log->log_start_offset();
      answer.epoch = s.log->epoch_at(answer.found);
    } else if (q.timestamp == max_timestamp) {
      by_record(s.log->max_timestamp(), limit);
    } else if (q.timestamp >= 0) {
      by_record(s.log->find_by_time(q.timestamp), limit);
    }
    // Others ask about tiered storage, which holds nothing: not found.
  }

  void operator()(const ask_epoch_end& q) const {
    auto& s = self->state;
    answer.error = check_epoch(s, q.current_epoch);
    if (answer.error != kafka_error::none)
      return;
    // Nobody has led in a later epoch yet: nothing is known of it.
    if (q.epoch > s.options.registration.epoch) {
      answer.epoch = no_leader_epoch;
      answer.found = offset{-1};
      return;
    }
    const auto end = s.log->end_offset_for(q.epoch);
    answer.epoch = end.epoch;
    answer.found = end.end;
  }

  void operator()(const ask_delete_records&) const {
    MILLRACE_ASSERT(false, "deletions do not end at once");
  }

  void operator()(const ask_producers&) const {
    answer.producers = self->state.log->producers();
  }

  void operator()(const ask_size&) const {}

  void operator()(const ask_bytes& q) const {
    auto& s = self->state;
    const auto from = std::max(q.from, s.log->log_start_offset());
    auto bytes = s.log->read_bytes(from, s.high_watermark, q.bytes_max, true);
    if (bytes)
      answer.bytes = std::move(*bytes);
    else
      fail(bytes.error());
  }

private:
  void by_record(
    result<std::optional<timestamp_offset>> found, offset limit) const {
    if (!found) {
      fail(found.error());
      return;
    }
    // What is above that is not there for a client.
    if (!*found || (*found)->at >= limit)
      return;
    answer.found = (*found)->at;
    answer.timestamp = (*found)->timestamp;
    answer.epoch = (*found)->epoch;
  }

  void fail(const error& e) const {
    answer.error = error_of(e);
    answer.message = to_string(e);
  }
};

} // namespace

void remove_later(self_pointer self, partition_log::removal removal) {
  if (removal.paths_to_remove.empty())
    return;
  const auto delay = std::chrono::milliseconds{
    self->state.options.settings.log.file_delete_delay_ms};
  self->delayed_send(self->state.options.disk, delay,
    remove_paths{std::move(removal.paths_to_remove)});
}

kafka_error check_epoch(const partition_state& s, leader_epoch claimed) {
  const auto own = s.options.registration.epoch;
  if (claimed == no_leader_epoch || claimed == own)
    return kafka_error::none;
  return claimed < own ? kafka_error::fenced_leader_epoch
                       : kafka_error::unknown_leader_epoch;
}

void answer_question(
  self_pointer self, const log_ask& ask, log_answer& answer) {
  auto& s = self->state;
  std::visit(answerer{self, answer}, ask.question);
  answer.log_start = s.log->log_start_offset();
  answer.high_watermark = s.high_watermark;
  answer.log_end = s.log->log_end_offset();
  answer.clean_until = s.compaction.clean_until;
  answer.size_bytes = static_cast<int64_t>(s.log->size_bytes());
}

void begin_deletion(self_pointer self, const log_ask& ask) {
  auto& s = self->state;
  const auto& q = std::get<ask_delete_records>(ask.question);
  const auto before = q.before.value == -1 ? s.high_watermark : q.before;
  log_answer answer;
  answer.ticket = ask.ticket;
  answer.log_start = s.log->log_start_offset();
  if (before.value < 0 || before > s.high_watermark) {
    answer.error = kafka_error::offset_out_of_range;
    tell(self, self->current_sender(), std::move(answer));
    return;
  }
  if (before <= s.log->log_start_offset()) {
    tell(self, self->current_sender(), std::move(answer));
    return;
  }
  s.deletions.push_back({self->current_sender(), ask.ticket, before});
  tell_broker(self, save_log_start{s.options.name, before});
}

void finish_deletion(self_pointer self, const log_start_saved& saved) {
  auto& s = self->state;
  if (s.log == nullptr)
    return;
  if (saved.ok && saved.start >= s.log->log_start_offset()) {
    auto removal = s.log->finish_retention(saved.start, s.env->wall_clock_ms());
    if (removal)
      remove_later(self, std::move(*removal));
    else
      log::error("partition {}: {}", to_string(s.options.name),
        to_string(removal.error()));
    if (s.leads())
      serve_followers(self);
  }
  std::erase_if(s.deletions, [&](const auto& waiting) {
    if (waiting.before > saved.start)
      return false;
    log_answer answer;
    answer.ticket = waiting.ticket;
    answer.error
      = saved.ok ? kafka_error::none : kafka_error::kafka_storage_error;
    answer.log_start = s.log->log_start_offset();
    tell(self, waiting.asker, std::move(answer));
    return true;
  });
}

void fail_deletions(self_pointer self, kafka_error error) {
  auto& s = self->state;
  for (auto& waiting : std::exchange(s.deletions, {})) {
    log_answer answer;
    answer.ticket = waiting.ticket;
    answer.error = error;
    tell(self, waiting.asker, std::move(answer));
  }
}

bool may_answer(const partition_state& s, const log_ask& ask) {
  return s.leads() || std::holds_alternative<ask_size>(ask.question)
         || std::holds_alternative<ask_producers>(ask.question);
}

void keep_house(self_pointer self, const partition_tick& tick) {
  auto& s = self->state;
  const auto now = s.env->wall_clock_ms();
  if (auto rolled = s.log->roll_if_due(now); !rolled)
    log::error(
      "partition {}: {}", to_string(s.options.name), to_string(rolled.error()));
  s.log->expire_producers(monotonic_ms(*self));
  if (!s.clock.trusts(now, monotonic_ms(*self)))
    return;
  if (tick.compaction)
    offer_compaction(self, now);
  // A follower's log starts where its leader's does.
  if (!tick.retention || !s.leads())
    return;
  if (const auto start = s.log->begin_retention(now, s.high_watermark))
    tell_broker(self, save_log_start{s.options.name, *start});
}

} // namespace millrace
