#include "actors/partition_share.hpp"

#include "actors/log.hpp"
#include "actors/partition_sync.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

constexpr int64_t read_pause_ms = 100;

/// Up to where the group's members may read.
offset readable_end(partition_state& s, const share_settings& settings) {
  return settings.read_committed ? s.log->last_stable_offset(s.high_watermark)
                                 : s.high_watermark;
}

/// share.auto.offset.reset.
offset first_start(self_pointer self, const share_settings& settings) {
  auto& s = self->state;
  const auto latest = readable_end(s, settings);
  switch (settings.reset) {
  case share_offset_reset::earliest:
    return s.log->log_start_offset();
  case share_offset_reset::by_duration: {
    const auto found = s.log->find_by_time(
      s.env->wall_clock_ms() - settings.reset_duration_ms);
    if (!found)
      log::warn("partition {}: where a share group begins cannot be looked "
                "for, so it begins at the end: {}",
        to_string(s.options.name), to_string(found.error()));
    return found && *found ? std::min((*found)->at, latest) : latest;
  }
  case share_offset_reset::latest:
    break;
  }
  return latest;
}

void read_seat(self_pointer self, const std::string& group, share_seat& seat) {
  auto& s = self->state;
  seat.read_again_at_ms = 0;
  if (s.options.shares == nullptr) {
    seat.failed = kafka_error::unknown_server_error;
    return;
  }
  seat.reading = share_ticket(s, group);
  tell(self, s.options.shares,
    share_state_ask{seat.reading,
      {key_of(s, group),
        share_state_question::read{s.options.registration.epoch.value}}});
}

void on_seat_read(self_pointer self, share_seat& seat, kafka_error error,
  const share_partition_snapshot& known) {
  auto& s = self->state;
  seat.reading = 0;
  if (is_passing(error)) {
    seat.read_again_at_ms = monotonic_ms(*self) + read_pause_ms;
    return;
  }
  if (error == kafka_error::none)
    seat.core.emplace(known,
      known.start.value < 0 ? first_start(self, seat.settings) : known.start,
      s.options.registration.epoch, seat.settings.limits);
  else
    seat.failed = told_to_member(error);
  wake(self, seat);
}

/// What time has done to it. Precondition: it has been read.
void look_after(self_pointer self, share_seat& seat) {
  const auto& s = self->state;
  const bool had = seat.core->next_fetch_offset().has_value();
  const auto before = seat.core->next_deadline();
  seat.core->configure(seat.settings.limits);
  seat.core->move_log_start(s.log->log_start_offset());
  seat.core->expire(monotonic_ms(*self));
  const bool freed = seat.core->next_deadline() != before;
  if (freed || (!had && seat.core->next_fetch_offset()))
    wake(self, seat);
}

std::optional<int64_t> next_time(const share_seat& seat) {
  std::optional<int64_t> next;
  const auto consider = [&](int64_t at) {
    if (at != 0)
      next = std::min(next.value_or(INT64_MAX), at);
  };
  consider(seat.read_again_at_ms);
  consider(seat.write_again_at_ms);
  if (seat.writing)
    consider(seat.writing->again_at_ms);
  if (seat.core)
    consider(seat.core->next_deadline().value_or(0));
  return next;
}

void arm_timer(self_pointer self) {
  auto& s = self->state;
  std::optional<int64_t> next;
  for (const auto& [group, seat] : s.shares)
    if (const auto at = next_time(*seat))
      next = std::min(next.value_or(INT64_MAX), *at);
  if (!next || (s.share_timer_at_ms != 0 && s.share_timer_at_ms <= *next))
    return;
  s.share_timer_at_ms = std::max<int64_t>(*next, 1);
  const auto wait = std::max<int64_t>(*next - monotonic_ms(*self), 0) + 1;
  self->delayed_send(self, std::chrono::milliseconds{wait},
    share_timer{++s.share_timer_generation});
}

/// Nobody is here any more, and nothing is left to be written: what the
/// coordinator has may be changed now (AlterShareGroupOffsets).
bool is_left(const share_seat& seat) {
  return seat.members.empty() && seat.waiters.empty() && !seat.writing
         && seat.write_again_at_ms == 0;
}

/// After whatever has happened to the group.
void settle(self_pointer self, const std::string& group) {
  auto& s = self->state;
  const auto at = s.shares.find(group);
  if (at != s.shares.end()) {
    if (at->second->core)
      write_shared(self, group, *at->second);
    if (is_left(*at->second))
      s.shares.erase(at);
  }
  arm_timer(self);
}

bool has_renewals(const std::vector<share_acknowledgement>& batches) {
  const auto renew = static_cast<int8_t>(share_acknowledge_type::renew);
  return std::any_of(batches.begin(), batches.end(), [&](const auto& batch) {
    return std::find(batch.types.begin(), batch.types.end(), renew)
           != batch.types.end();
  });
}

void acknowledge(self_pointer self, const share_ask& ask,
  const share_acknowledge_question& q, share_answer answer) {
  auto& s = self->state;
  const auto at = s.shares.find(ask.group);
  const bool known = at != s.shares.end() && at->second->core;
  // As Kafka, which has no such share partition before somebody fetches.
  share_verdict verdict{at == s.shares.end()
                          ? kafka_error::unknown_topic_or_partition
                          : kafka_error::invalid_record_state};
  if (known) {
    auto& seat = *at->second;
    look_after(self, seat);
    const auto ticket = ++seat.last_acknowledgement;
    if (ask.settings.renews || !has_renewals(q.batches))
      verdict = seat.core->acknowledge(
        ask.member, q.batches, ticket, monotonic_ms(*self));
    if (verdict.waits)
      seat.acknowledgements.emplace(
        ticket, share_seat::asker{self->current_sender(), ask.ticket});
  }
  if (!verdict.waits) {
    answer.error = verdict.error;
    tell(self, self->current_sender(), std::move(answer));
  }
  settle(self, ask.group);
}

void release(self_pointer self, const share_ask& ask) {
  auto& s = self->state;
  const auto at = s.shares.find(ask.group);
  if (at == s.shares.end())
    return;
  auto& seat = *at->second;
  seat.members.erase(ask.member);
  if (seat.core) {
    seat.core->release(ask.member);
    wake(self, seat);
  }
  settle(self, ask.group);
}

void add_waiter(self_pointer self, share_seat& seat, const share_ask& ask,
  const share_fetch_question& want) {
  const auto now = monotonic_ms(*self);
  std::erase_if(seat.waiters, [&](const auto& waiter) {
    return waiter.until_ms <= now;
  });
  if (want.wait_until_ms > now)
    seat.waiters.push_back(
      {{self->current_sender(), ask.ticket}, want.wait_until_ms});
}

void fetch(self_pointer self, const share_ask& ask,
  const share_fetch_question& want, share_answer answer) {
  auto& s = self->state;
  auto& seat_ptr = s.shares[ask.group];
  if (seat_ptr == nullptr)
    seat_ptr = std::make_shared<share_seat>();
  const auto seat = seat_ptr;
  seat->settings = ask.settings;
  seat->members.insert(ask.member);
  bool waits = false;
  if (seat->core) {
    look_after(self, *seat);
    give_shared(self, *seat, ask, want, answer, waits);
  } else {
    if (seat->reading == 0 && seat->read_again_at_ms == 0
        && seat->failed == kafka_error::none)
      read_seat(self, ask.group, *seat);
    // Said once: the next one tries anew.
    answer.error = std::exchange(seat->failed, kafka_error::none);
    waits = answer.error == kafka_error::none;
    if (!waits) {
      wake(self, *seat);
      s.shares.erase(ask.group);
    }
  }
  if (waits) {
    add_waiter(self, *seat, ask, want);
    schedule_sync(self);
  }
  tell(self, self->current_sender(), std::move(answer));
  settle(self, ask.group);
}

} // namespace

share_partition_key key_of(const partition_state& s, const std::string& group) {
  return {group, s.options.topic_id, s.options.name.partition};
}

uint64_t share_ticket(partition_state& s, const std::string& group) {
  s.share_tickets.emplace(++s.next_share_ticket, group);
  return s.next_share_ticket;
}

void wake(self_pointer self, share_seat& seat) {
  const auto now = monotonic_ms(*self);
  for (const auto& waiter : std::exchange(seat.waiters, {}))
    if (waiter.until_ms > now)
      tell(self, waiter.by.who, data_ready{{waiter.by.ticket}});
}

void on_share(self_pointer self, const share_ask& ask) {
  auto& s = self->state;
  share_answer answer;
  answer.ticket = ask.ticket;
  const bool open = s.closing == nullptr && ensure_open(self);
  answer.current_epoch = s.options.registration.epoch;
  if (!open || !s.leads()) {
    answer.error = open || s.closing != nullptr
                     ? kafka_error::not_leader_or_follower
                     : kafka_error::kafka_storage_error;
    if (!std::holds_alternative<share_release_question>(ask.question))
      tell(self, self->current_sender(), std::move(answer));
  } else if (const auto* want
             = std::get_if<share_fetch_question>(&ask.question)) {
    fetch(self, ask, *want, std::move(answer));
  } else if (const auto* said
             = std::get_if<share_acknowledge_question>(&ask.question)) {
    acknowledge(self, ask, *said, std::move(answer));
  } else {
    release(self, ask);
  }
}

void on_share_state(self_pointer self, const share_state_result& told) {
  auto& s = self->state;
  const auto ticket = s.share_tickets.extract(told.ticket);
  if (ticket.empty())
    return; // of another leadership
  const auto& group = ticket.mapped();
  const auto at = s.shares.find(group);
  if (at == s.shares.end())
    return;
  const auto seat = at->second;
  if (told.ticket == seat->reading)
    on_seat_read(self, *seat, told.answer.error, told.answer.state);
  else if (seat->writing && told.ticket == seat->writing->ticket
           && !on_shared_written(self, group, *seat, told.answer.error))
    s.shares.erase(group);
  settle(self, group);
}

void on_share_timer(self_pointer self, const share_timer& timer) {
  auto& s = self->state;
  if (timer.generation != s.share_timer_generation)
    return; // an earlier one has been set since
  s.share_timer_at_ms = 0;
  if (s.closing != nullptr || s.log == nullptr || !s.leads())
    return;
  const auto now = monotonic_ms(*self);
  std::vector<std::string> groups;
  for (const auto& [group, seat] : s.shares)
    groups.push_back(group);
  for (const auto& group : groups) {
    const auto seat = s.shares.at(group);
    if (seat->read_again_at_ms != 0 && seat->read_again_at_ms <= now)
      read_seat(self, group, *seat);
    if (seat->core)
      look_after(self, *seat);
    settle(self, group);
  }
}

void wake_share_fetches(self_pointer self) {
  for (const auto& [group, seat] : self->state.shares)
    if (seat->core)
      wake(self, *seat);
}

bool has_share_fetches(const partition_state& s) {
  return std::any_of(s.shares.begin(), s.shares.end(), [](const auto& share) {
    return !share.second->waiters.empty();
  });
}

void drop_shares(self_pointer self) {
  auto& s = self->state;
  s.share_tickets.clear();
  for (const auto& [group, seat] : std::exchange(s.shares, {})) {
    if (seat->core)
      answer_acknowledged(self, *seat, seat->core->abandon(),
        kafka_error::not_leader_or_follower);
    wake(self, *seat);
  }
}

} // namespace millrace
