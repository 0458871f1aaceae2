#include "actors/log_mover.hpp"

#include "actors/tell.hpp"

#include <algorithm>

namespace millrace {

namespace {

using self_pointer = log_mover_actor::stateful_pointer<log_mover_state>;

constexpr int32_t bytes_at_once = 1 << 20;
/// When the partition cannot tell anything now: it has no role yet.
constexpr auto pause = std::chrono::milliseconds{500};

void begin_next(self_pointer self);

/// Tells how it ended, and goes on with the next one.
void end_job(self_pointer self, const std::string& why, offset log_start = {},
  offset end = {}) {
  auto& s = self->state;
  tell(self, s.working->asker,
    copy_ended{
      s.working->order.name, s.working->order.directory, why, log_start, end});
  s.copy.reset();
  s.working.reset();
  ++s.generation;
  begin_next(self);
}

void step_after(self_pointer self, std::chrono::microseconds wait) {
  const copy_step step{self->state.generation};
  if (wait.count() <= 0)
    tell(self, self, step);
  else
    self->delayed_send(self, wait, step);
}

void begin_next(self_pointer self) {
  auto& s = self->state;
  if (s.working || s.waiting.empty())
    return;
  s.working = std::move(s.waiting.front());
  s.waiting.pop_front();
  s.begin = offset{0};
  s.caught_up = false;
  s.asked = false;
  const auto& order = s.working->order;
  auto copy = log_copy::open({.files = &s.env->files(),
    .directory = order.directory,
    .name = order.name,
    .config = order.config,
    .durable_hint = std::nullopt,
    .now_ms = s.env->wall_clock_ms()});
  if (!copy) {
    end_job(self, to_string(copy.error()));
    return;
  }
  s.copy.emplace(std::move(*copy));
  step_after(self, {});
}

void ask_for_more(self_pointer self) {
  auto& s = self->state;
  if (s.asked || s.caught_up)
    return;
  s.asked = true;
  fetch_asks message;
  message.asks.push_back({.ticket = s.generation,
    .from = s.copy->next().value_or(s.begin),
    .bytes_max = bytes_at_once,
    .any_replica = true});
  tell(self, s.working->order.partition, std::move(message));
}

result<shared_bytes> read(const std::vector<file_slice>& slices) {
  size_t size = 0;
  for (const auto& slice : slices)
    size += slice.size;
  auto bytes = shared_bytes::allocate(size);
  size_t at = 0;
  for (const auto& slice : slices) {
    auto got = slice.source->read_at(
      slice.position, bytes.writable().subspan(at, slice.size));
    if (!got)
      return got.error();
    if (*got < slice.size)
      return error{errc::truncated, "a segment has become shorter"};
    at += slice.size;
  }
  return bytes;
}

/// When the bytes would have passed at the rate that is allowed.
std::chrono::microseconds wait_after(
  log_mover_state& s, size_t bytes, int64_t now_us) {
  constexpr double longest = 60e6; // whatever the rate is
  const double took
    = static_cast<double>(bytes) * 1e6 / s.settings.bytes_per_second;
  s.may_go_on_us = std::max(s.may_go_on_us, now_us)
                   + static_cast<int64_t>(std::min(took, longest));
  return std::chrono::microseconds{s.may_go_on_us - now_us};
}

void add(self_pointer self, const fetch_answer& answer) {
  auto& s = self->state;
  const auto now_ms = s.env->wall_clock_ms();
  auto bytes = read(answer.slices);
  const auto done
    = bytes ? s.copy->add(*bytes, now_ms) : result<void>{bytes.error()};
  if (!done) {
    end_job(self, to_string(done.error()));
    return;
  }
  const auto& order = s.working->order;
  tell(self, s.working->asker,
    copy_progress{order.name, order.directory,
      static_cast<int64_t>(s.copy->size_bytes()), *s.copy->next()});
  step_after(self, wait_after(s, bytes->size(), monotonic_us(*self)));
}

void take(self_pointer self, const fetch_answer& answer) {
  auto& s = self->state;
  if (!s.working || answer.ticket != s.generation || !s.asked)
    return;
  s.asked = false;
  if (answer.error == kafka_error::offset_out_of_range) {
    // It begins later, or retention has gone by what is copied.
    s.begin = answer.log_start;
    s.copy->begin_again();
    step_after(self, {});
    return;
  }
  if (answer.error == kafka_error::corrupt_message) {
    end_job(self, "the log is damaged");
    return;
  }
  if (answer.error != kafka_error::none) {
    step_after(self, pause);
    return;
  }
  if (answer.bytes > 0) {
    add(self, answer);
    return;
  }
  s.caught_up = true;
  const auto& order = s.working->order;
  tell(self, s.working->asker, copy_caught_up{order.name, order.directory});
}

void finish(self_pointer self, const finish_copy& what) {
  auto& s = self->state;
  if (!s.working || s.working->order.name != what.name)
    return; // it has ended meanwhile, which was told
  auto whole = s.copy->finish({.files = &s.env->files(),
    .directory = what.source,
    .name = what.name,
    .config = s.working->order.config,
    .durable_hint = what.log_end,
    .log_start = what.log_start,
    .clean = what.clean,
    .now_ms = s.env->wall_clock_ms()});
  if (whole)
    end_job(self, "", whole->log_start, whole->end);
  else
    end_job(self, to_string(whole.error()));
}

void cancel(self_pointer self, const topic_partition& name) {
  auto& s = self->state;
  if (s.working && s.working->order.name == name) {
    end_job(self, "it is not wanted any more");
    return;
  }
  const auto at = std::ranges::find_if(s.waiting, [&](const auto& job) {
    return job.order.name == name;
  });
  if (at == s.waiting.end())
    return;
  tell(self, at->asker,
    copy_ended{name, at->order.directory, "it is not wanted any more", {}, {}});
  s.waiting.erase(at);
}

} // namespace

log_mover_actor::behavior_type log_mover(
  self_pointer self, environment* env, log_mover_settings settings) {
  self->state.env = env;
  self->state.settings = settings;
  return {
    [=](const log_mover_settings& changed) {
      self->state.settings = changed;
    },
    [=](const copy_log& order) {
      self->state.waiting.push_back({order, self->current_sender()});
      begin_next(self);
    },
    [=](const finish_copy& what) {
      finish(self, what);
    },
    [=](const cancel_copy& what) {
      cancel(self, what.name);
    },
    [=](const fetch_answers& message) {
      for (const auto& answer : message.answers)
        take(self, answer);
    },
    [=](const copy_step& step) {
      if (step.generation == self->state.generation && self->state.working)
        ask_for_more(self);
    },
  };
}

} // namespace millrace
