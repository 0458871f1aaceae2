#include "actors/throttle.hpp"

#include "actors/environment.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = throttle_actor::stateful_pointer<throttle_state>;

void let_through(self_pointer self, throttle_state::way& way) {
  for (const auto& turn : way.queue.due(monotonic_us(*self))) {
    const auto at = way.askers.find(turn.ticket);
    tell(self, at->second.asker,
      throttle_turn{way.which, at->second.ticket, turn.bytes});
    way.askers.erase(at);
  }
}

/// Nothing is set while nobody waits.
void arm(self_pointer self) {
  auto& s = self->state;
  auto at = INT64_MAX;
  for (const auto* way : {&s.leading, &s.following})
    at = std::min(at, way->queue.next_us().value_or(INT64_MAX));
  if (at == INT64_MAX || (s.timer_at_us != 0 && s.timer_at_us <= at))
    return;
  s.timer_at_us = std::max<int64_t>(at, 1);
  const auto wait = std::max<int64_t>(at - monotonic_us(*self), 0) + 1;
  self->delayed_send(self, std::chrono::microseconds{wait},
    throttle_timer{++s.timer_generation});
}

void go_on(self_pointer self) {
  let_through(self, self->state.leading);
  let_through(self, self->state.following);
  arm(self);
}

throttle_state::way& way_of(self_pointer self, throttled_way way) {
  auto& s = self->state;
  return way == throttled_way::leading ? s.leading : s.following;
}

} // namespace

throttle_actor::behavior_type throttle(self_pointer self) {
  return {
    [=](const throttle_rates& rates) {
      auto& s = self->state;
      const auto now = monotonic_us(*self);
      if (s.leading.queue.rate() != rates.leading)
        s.leading.queue.set_rate(rates.leading, now);
      if (s.following.queue.rate() != rates.following)
        s.following.queue.set_rate(rates.following, now);
      go_on(self);
    },
    [=](const throttle_ask& ask) {
      auto& way = way_of(self, ask.way);
      const auto ticket = ++self->state.next_ticket;
      way.askers[ticket] = {self->current_sender(), ask.ticket};
      way.queue.ask(ticket, ask.bytes);
      go_on(self);
    },
    [=](const throttle_refund& refund) {
      way_of(self, refund.way)
        .queue.give_back(refund.bytes, monotonic_us(*self));
      go_on(self);
    },
    [=](const throttle_timer& timer) {
      if (timer.generation != self->state.timer_generation)
        return; // an earlier one has been set since
      self->state.timer_at_us = 0;
      go_on(self);
    },
  };
}

} // namespace millrace
