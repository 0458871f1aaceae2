#include "actors/log.hpp"
#include "actors/partition_share.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

/// How long a write is tried before who waits for it is told that it failed:
/// clients wait for twice as long (request.timeout.ms).
constexpr int64_t write_patience_ms = 15'000;
constexpr int64_t write_pause_ms_max = 1'000;

void send_write(self_pointer self, const std::string& group, share_seat& seat) {
  auto& s = self->state;
  auto& write = *seat.writing;
  write.again_at_ms = 0;
  write.ticket = share_ticket(s, group);
  const auto& state = write.state;
  tell(self, s.options.shares,
    share_state_ask{write.ticket,
      {key_of(s, group), share_state_question::write{state.state_epoch,
                           s.options.registration.epoch.value, state.start,
                           state.delivery_complete_count, state.batches}}});
}

} // namespace

bool is_passing(kafka_error error) {
  switch (error) {
  case kafka_error::coordinator_load_in_progress:
  case kafka_error::coordinator_not_available:
  case kafka_error::not_coordinator:
  case kafka_error::request_timed_out:
  case kafka_error::network_exception:
  case kafka_error::not_enough_replicas:
  case kafka_error::not_enough_replicas_after_append:
    return true;
  default:
    return false;
  }
}

kafka_error told_to_member(kafka_error error) {
  switch (error) {
  case kafka_error::fenced_leader_epoch:
  case kafka_error::fenced_state_epoch:
    return kafka_error::not_leader_or_follower;
  case kafka_error::group_id_not_found:
  case kafka_error::unknown_topic_or_partition:
  case kafka_error::coordinator_not_available:
    return error;
  default:
    return kafka_error::unknown_server_error;
  }
}

void answer_acknowledged(self_pointer self, share_seat& seat,
  const std::vector<uint64_t>& which, kafka_error error) {
  for (const auto number : which) {
    const auto asker = seat.acknowledgements.extract(number);
    MILLRACE_ASSERT(!asker.empty(), "who acknowledges waits for its answer");
    share_answer answer;
    answer.ticket = asker.mapped().ticket;
    answer.error = error;
    answer.current_epoch = self->state.options.registration.epoch;
    tell(self, asker.mapped().who, std::move(answer));
  }
}

void write_shared(
  self_pointer self, const std::string& group, share_seat& seat) {
  const auto now = monotonic_ms(*self);
  if (seat.writing) {
    if (seat.writing->again_at_ms != 0 && seat.writing->again_at_ms <= now)
      send_write(self, group, seat);
    return;
  }
  if (seat.write_again_at_ms > now)
    return;
  seat.write_again_at_ms = 0;
  auto state = seat.core->take_write();
  if (!state)
    return;
  seat.writing.emplace();
  seat.writing->state = std::move(*state);
  seat.writing->since_ms = now;
  send_write(self, group, seat);
}

bool on_shared_written(self_pointer self, const std::string& group,
  share_seat& seat, kafka_error error) {
  const auto now = monotonic_ms(*self);
  auto& write = *seat.writing;
  if (error == kafka_error::none) {
    seat.writing.reset();
    answer_acknowledged(self, seat, seat.core->write_done(), error);
    wake(self, seat); // what was released, or has room now
    return true;
  }
  if (!is_passing(error)) {
    // Another leader, or an administrator, has been there since.
    log::warn("partition {}: the share group {} begins again: {}",
      to_string(self->state.options.name), group, to_string(error));
    seat.writing.reset();
    answer_acknowledged(
      self, seat, seat.core->abandon(), told_to_member(error));
    wake(self, seat);
    return false;
  }
  if (now - write.since_ms < write_patience_ms) {
    write.again_at_ms = now + write.pause_ms;
    write.pause_ms = std::min(write.pause_ms * 2, write_pause_ms_max);
    return true;
  }
  seat.writing.reset();
  seat.write_again_at_ms = now + write_pause_ms_max;
  const bool is_used = !seat.members.empty();
  answer_acknowledged(self, seat,
    is_used ? seat.core->write_failed() : seat.core->abandon(),
    kafka_error::coordinator_not_available);
  return is_used;
}

} // namespace millrace
