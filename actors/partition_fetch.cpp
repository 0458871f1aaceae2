#include "actors/partition_fetch.hpp"

#include "actors/log.hpp"
#include "actors/partition_damage.hpp"
#include "actors/partition_follower.hpp"
#include "actors/partition_leader.hpp"
#include "actors/partition_questions.hpp"
#include "actors/partition_share.hpp"
#include "actors/partition_sync.hpp"
#include "actors/tell.hpp"
#include "cluster/partition_settling.hpp"
#include "cluster/read_replica.hpp"
#include "storage/segment_scan.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

/// Whether it may be asked: some clients know of leaders only.
bool may_read(const partition_state& s, const fetch_ask& ask) {
  return s.leads() || (ask.any_replica && may_serve(s));
}

/// Of the followers that are nearer to the asker, the one to go to. Not one
/// that lags: it would be sent there again and again.
std::optional<node_id> nearer_replica(
  const partition_state& s, const fetch_ask& ask) {
  std::vector<read_candidate> candidates;
  for (const auto id : ask.nearer) {
    const auto replica = s.replicas->replicas().find(id);
    const auto view = s.followers.find(id);
    if (replica != s.replicas->replicas().end() && view != s.followers.end()
        && has_node(s.options.registration.isr, id))
      candidates.push_back({id, view->second.log_start,
        replica->second.appended, replica->second.caught_up_ms});
  }
  return choose_read_replica(candidates, ask.from);
}

/// Where the asker's log and this one part, if they do.
std::optional<epoch_end> divergence(
  const partition_state& s, const fetch_ask& ask) {
  if (ask.last_fetched_epoch == no_leader_epoch)
    return std::nullopt;
  const auto end = s.log->end_offset_for(ask.last_fetched_epoch);
  if (end.epoch == ask.last_fetched_epoch && end.end >= ask.from)
    return std::nullopt;
  return end;
}

/// none, or why nothing can be read from there. What a follower has not the
/// leader may have: that is no reason for a client to give its place up.
kafka_error check_place(const partition_state& s, const fetch_ask& ask) {
  if (ask.from < s.log->log_start_offset())
    return kafka_error::offset_out_of_range;
  if (ask.from > s.log->log_end_offset())
    return s.leads() ? kafka_error::offset_out_of_range
                     : kafka_error::offset_not_available;
  return kafka_error::none;
}

/// Whether the disk has to be waited for.
enum class disk_wait : uint8_t { allowed, over };

struct reading {
  fetch_answer answer;
  /// The answer's slices are not in memory: they are to be read, and then
  /// looked at once more.
  bool cold = false;
};

/// Where the batches that were read end, as they say themselves: what follows
/// them in the file may be damaged and say anything. `limit` if they do not
/// follow one another.
offset end_of(const partition_log::readable& read, offset limit) {
  const auto& last = read.slices.back();
  auto end = read.begins.back();
  batch_walker walker{last.source, last.position, last.position + last.size,
    batch_view::header_size};
  for (;;) {
    const auto batch = walker.next();
    if (!batch || (*batch && (*batch)->header.base_offset() < end))
      return limit;
    if (!*batch)
      return std::min(end, limit);
    end = (*batch)->header.last_offset() + int64_t{1};
  }
}

/// The aborted transactions that whoever reads this has to pass over. Some
/// that begin behind what was read do no harm; many make the answer long.
std::vector<ended_transaction> aborted_for(const partition_log& log,
  const partition_log::readable& read, offset from, offset limit) {
  constexpr size_t few = 64;
  auto aborted = log.aborted_in(from, limit);
  if (aborted.size() > few)
    aborted = log.aborted_in(from, end_of(read, limit));
  return aborted;
}

/// R8: never beyond what is committed, as far as this replica knows.
void read_records(
  self_pointer self, const fetch_ask& ask, disk_wait wait, reading& r) {
  auto& s = self->state;
  auto& answer = r.answer;
  const auto limit = ask.read_committed ? answer.last_stable : s.high_watermark;
  auto read = s.log->read(ask.from, limit,
    static_cast<size_t>(std::max(ask.bytes_max, 0)), ask.at_least_one);
  result<void> done;
  if (!read)
    done = read.error();
  else if (wait == disk_wait::allowed && is_cold(read->slices))
    r.cold = true;
  else
    done = s.log->verify(*read);
  if (!done) {
    if (s.may_complain(monotonic_ms(*self)))
      log::error(
        "partition {}: {}", to_string(s.options.name), to_string(done.error()));
    answer.error = done.error().code == errc::corrupt
                     ? kafka_error::corrupt_message
                     : kafka_error::kafka_storage_error;
    // Another replica has it, and this one is about to say so.
    if (answer.error == kafka_error::corrupt_message
        && look_for_damage(self, ask.from))
      answer.error = kafka_error::not_leader_or_follower;
    return;
  }
  if (ask.read_committed && read->bytes > 0)
    answer.aborted = aborted_for(*s.log, *read, ask.from, limit);
  answer.slices = std::move(read->slices);
  answer.bytes = read->bytes;
  answer.more = read->more;
}

reading read_for(self_pointer self, const fetch_ask& ask, disk_wait wait) {
  auto& s = self->state;
  reading r;
  auto& answer = r.answer;
  answer.ticket = ask.ticket;
  const bool open = ensure_open(self);
  answer.current_epoch = s.options.registration.epoch;
  if (!open) {
    answer.error = kafka_error::kafka_storage_error;
    return r;
  }
  answer.by_follower = !s.leads();
  // Before the role: so the client hears which side is behind.
  answer.error = check_epoch(s, ask.current_epoch);
  if (answer.error == kafka_error::none && !may_read(s, ask))
    answer.error = kafka_error::not_leader_or_follower;
  if (answer.error != kafka_error::none)
    return r;
  answer.high_watermark = s.high_watermark;
  answer.last_stable = s.log->last_stable_offset(s.high_watermark);
  answer.log_start = s.log->log_start_offset();
  if (s.leads())
    if (const auto nearer = nearer_replica(s, ask)) {
      answer.read_from = *nearer;
      return r;
    }
  // Nobody has led in a later epoch yet: where it ends cannot be told.
  if (s.leads() && ask.last_fetched_epoch > s.options.registration.epoch) {
    answer.error = kafka_error::offset_out_of_range;
    return r;
  }
  if (const auto parting = divergence(s, ask)) {
    if (s.leads())
      answer.diverging = parting;
    else
      answer.error = kafka_error::offset_not_available; // the leader tells
    return r;
  }
  answer.error = check_place(s, ask);
  if (answer.error != kafka_error::none)
    return r;
  if (ask.from < (ask.read_committed ? answer.last_stable : s.high_watermark))
    read_records(self, ask, wait, r);
  else if (ask.from >= s.high_watermark && !s.leads() && !is_in_sync(s))
    // What it waits for may take long to get here.
    answer.error = kafka_error::offset_not_available;
  return r;
}

/// Whether an open transaction keeps from it all that has come.
bool is_held_back(partition_state& s, const fetch_waiter& waiter) {
  return waiter.read_committed && s.leads()
         && s.log->last_stable_offset(s.high_watermark) <= waiter.seen;
}

void warm_first(
  self_pointer self, const fetch_ask& ask, std::vector<file_slice> slices) {
  auto& s = self->state;
  const auto ticket = ++s.next_cold;
  tell(self, s.options.disk, warm_ask{ticket, std::move(slices)});
  s.cold.emplace(ticket, cold_fetch{self->current_sender(), ask});
}

} // namespace

bool is_cold(const std::vector<file_slice>& slices) {
  return std::any_of(slices.begin(), slices.end(), [](const auto& slice) {
    return !slice.source->resident(slice.position, slice.size);
  });
}

void on_warm(self_pointer self, uint64_t ticket) {
  auto& s = self->state;
  if (const auto at = s.cold_for_replicas.find(ticket);
    at != s.cold_for_replicas.end()) {
    const auto follower = at->second;
    s.cold_for_replicas.erase(at);
    if (s.leads())
      on_replica_warm(self, follower);
    return;
  }
  if (const auto shared = s.cold_for_shares.extract(ticket); !shared.empty()) {
    tell(self, shared.mapped().asker, data_ready{{shared.mapped().ticket}});
    return;
  }
  auto at = s.cold.find(ticket);
  if (at == s.cold.end())
    return; // for a follower, in an earlier leadership
  fetch_answers reply;
  reply.answers.push_back(
    read_for(self, at->second.ask, disk_wait::over).answer);
  tell(self, at->second.asker, std::move(reply));
  s.cold.erase(at);
}

void on_fetch(self_pointer self, const fetch_asks& message) {
  auto& s = self->state;
  const auto& asker = self->current_sender();
  fetch_answers reply;
  const auto now = monotonic_ms(*self);
  bool waits = false;
  for (const auto& ask : message.asks) {
    auto r = read_for(self, ask, disk_wait::allowed);
    auto& answer = r.answer;
    const bool too_little = answer.error == kafka_error::none
                            && !answer.diverging && answer.read_from == no_node
                            && answer.bytes < static_cast<size_t>(
                                 std::max(ask.wait_below_bytes, 1));
    if (too_little && ask.wait_until_ms > now) {
      while (!s.waiters.empty() && s.waiters.front().until_ms <= now)
        s.waiters.pop_front();
      s.waiters.push_back(
        {asker, ask.ticket, ask.from, ask.wait_until_ms, ask.read_committed});
      waits = true; // and what there is will be asked for again
    } else if (s.leads()) {
      s.carried.out += static_cast<int64_t>(answer.bytes);
    }
    if (r.cold)
      warm_first(self, ask, std::move(answer.slices));
    else
      reply.answers.push_back(std::move(answer));
  }
  if (!reply.answers.empty())
    tell(self, asker, std::move(reply));
  if (!waits)
    return;
  schedule_sync(self);
  if (s.follow)
    tell_waited_for(self);
}

void wake_waiters(self_pointer self) {
  auto& s = self->state;
  std::vector<std::pair<caf::strong_actor_ptr, data_ready>> ready;
  std::deque<fetch_waiter> stay;
  for (auto& waiter : s.waiters) {
    if (is_held_back(s, waiter)) {
      stay.push_back(std::move(waiter));
      continue;
    }
    auto at = std::find_if(ready.begin(), ready.end(), [&](const auto& entry) {
      return entry.first == waiter.asker;
    });
    if (at == ready.end())
      at = ready.insert(ready.end(), {waiter.asker, {}});
    at->second.tickets.push_back(waiter.ticket);
  }
  s.waiters = std::move(stay);
  for (auto& [asker, message] : ready)
    tell(self, asker, std::move(message));
  wake_share_fetches(self);
}

} // namespace millrace
