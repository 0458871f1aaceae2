#include "actors/log.hpp"
#include "actors/partition_damage.hpp"
#include "actors/partition_fetch.hpp"
#include "actors/partition_share.hpp"
#include "actors/tell.hpp"
#include "cluster/share_log.hpp"
#include "storage/record_batch.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

/// How much of what is for nobody is passed over in one turn, in reads.
constexpr int reads_max = 8;

/// A batch that was read, and where.
struct placed_batch {
  share_batch_header header;
  size_t slice = 0;
  uint64_t position = 0;
  uint32_t size = 0;
};

share_batch_header header_of(const batch_view& batch) {
  return {batch.base_offset(), batch.last_offset(), batch.producer(),
    batch.is_transactional(), batch.is_control()};
}

/// The headers of what was read. Errors: those of the file; corrupt.
result<std::vector<placed_batch>> batches_of(
  const std::vector<file_slice>& slices) {
  std::vector<placed_batch> batches;
  std::array<std::byte, batch_view::header_size> bytes;
  for (size_t i = 0; i < slices.size(); ++i) {
    const auto end = slices[i].position + slices[i].size;
    for (auto at = slices[i].position; at < end;) {
      const auto got = slices[i].source->read_at(at, std::span{bytes});
      MILLRACE_TRY(got);
      const batch_view view{bytes};
      if (*got < bytes.size() || !view.plausible()
          || static_cast<uint64_t>(view.size()) > end - at)
        return error{errc::corrupt, "a batch that was there is not"};
      batches.push_back(
        {header_of(view), i, at, static_cast<uint32_t>(view.size())});
      at += static_cast<uint64_t>(view.size());
    }
  }
  return batches;
}

/// Takes off what holds nothing that was given.
void cut_to(share_answer& answer, const std::vector<placed_batch>& batches) {
  const auto first = answer.acquired.front().first;
  const auto last = answer.acquired.back().last;
  std::vector<file_slice> kept;
  size_t slice = SIZE_MAX;
  for (const auto& batch : batches) {
    if (batch.header.last < first || batch.header.first > last)
      continue;
    if (batch.slice != slice)
      kept.push_back({answer.slices[batch.slice].source, batch.position, 0});
    slice = batch.slice;
    kept.back().size += batch.size;
    answer.bytes += batch.size;
  }
  answer.slices = std::move(kept);
}

struct shared_read {
  std::vector<file_slice> slices;
  std::vector<placed_batch> batches;
  size_t bytes = 0;
};

enum class read_outcome : uint8_t { done, cold, failed };

/// Reads whole batches from `from` on; a disk actor fetches what is cold, and
/// then the asker hears data_ready.
read_outcome read_shared(self_pointer self, const share_ask& ask, offset from,
  offset limit, int32_t bytes_max, shared_read& out, share_answer& answer) {
  auto& s = self->state;
  auto read = s.log->read(
    from, limit, static_cast<size_t>(std::max(bytes_max, 0)), true);
  result<void> done;
  if (!read) {
    done = read.error();
  } else if (is_cold(read->slices)) {
    const auto ticket = ++s.next_cold;
    s.cold_for_shares.emplace(
      ticket, share_waiting{self->current_sender(), ask.ticket});
    tell(self, s.options.disk, warm_ask{ticket, std::move(read->slices)});
    return read_outcome::cold;
  } else {
    done = s.log->verify(*read);
  }
  if (done) {
    auto batches = batches_of(read->slices);
    if (batches) {
      out = {std::move(read->slices), std::move(*batches), read->bytes};
      return read_outcome::done;
    }
    done = batches.error();
  }
  if (s.may_complain(monotonic_ms(*self)))
    log::error(
      "partition {}: {}", to_string(s.options.name), to_string(done.error()));
  answer.error = done.error().code == errc::corrupt
                   ? kafka_error::corrupt_message
                   : kafka_error::kafka_storage_error;
  // Another replica has it, and this one is about to say so.
  if (answer.error == kafka_error::corrupt_message
      && look_for_damage(self, from))
    answer.error = kafka_error::not_leader_or_follower;
  return read_outcome::failed;
}

std::vector<share_log_batch> shared_log(partition_state& s,
  const share_settings& settings, offset from, const shared_read& read) {
  std::vector<share_batch_header> headers;
  for (const auto& batch : read.batches)
    headers.push_back(batch.header);
  std::vector<share_aborted> aborted;
  if (settings.read_committed && !headers.empty())
    for (const auto& one :
      s.log->aborted_in(from, headers.back().last + int64_t{1}))
      aborted.push_back({one.producer, one.first, one.marker});
  return share_log_batches(headers, aborted);
}

} // namespace

void give_shared(self_pointer self, share_seat& seat, const share_ask& ask,
  const share_fetch_question& want, share_answer& answer, bool& waits) {
  auto& s = self->state;
  auto& core = *seat.core;
  const auto now = monotonic_ms(*self);
  const auto limit = seat.settings.read_committed
                       ? s.log->last_stable_offset(s.high_watermark)
                       : s.high_watermark;
  for (int i = 0; i < reads_max; ++i) {
    const auto from = core.next_fetch_offset();
    waits = !from || *from >= limit;
    if (waits)
      return;
    shared_read read;
    const auto outcome
      = read_shared(self, ask, *from, limit, want.bytes_max, read, answer);
    waits = outcome == read_outcome::cold;
    if (outcome != read_outcome::done)
      return;
    if (want.wait_below_bytes > 0 && want.wait_until_ms > now
        && read.bytes < static_cast<size_t>(want.wait_below_bytes)) {
      answer.bytes_there = read.bytes;
      waits = true;
      return;
    }
    const auto log = shared_log(s, seat.settings, *from, read);
    answer.acquired = core.acquire(ask.member, *from, log, want.wanted, now);
    if (!answer.acquired.empty()) {
      answer.slices = std::move(read.slices);
      cut_to(answer, read.batches);
      s.carried.out += static_cast<int64_t>(answer.bytes);
      return;
    }
    if (core.next_fetch_offset() == from)
      return; // no record was wanted
  }
  // There is more to pass over: in another turn, so that others get theirs.
  tell(self, self->current_sender(), data_ready{{ask.ticket}});
}

} // namespace millrace
