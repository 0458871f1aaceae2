#include "storage/log_copy.hpp"

namespace millrace {

namespace {

constexpr uint64_t sync_bytes = 16u << 20;
constexpr size_t read_bytes_max = 1u << 20;
/// Its batches have been checked against the leader's epochs before.
constexpr leader_epoch any_epoch{INT32_MAX};

} // namespace

result<log_copy> log_copy::open(partition_log::opening what) {
  auto& files = *what.files;
  what.durable_hint.reset();
  what.clean = false;
  what.replicated = false;
  auto log = partition_log::open(std::move(what));
  if (!log)
    return log.error();
  return log_copy{files, std::move(*log)};
}

result<void> log_copy::add(const shared_bytes& batches, int64_t now_ms) {
  if (batches.empty())
    return {};
  if (!begun_) {
    if (batches.size() < batch_view::header_size)
      return error{errc::corrupt, "a batch's header is cut"};
    // It may begin below the log's start, which DeleteRecords has moved.
    MILLRACE_TRY(begin_at(batch_view{batches.span()}.base_offset(), now_ms));
  }
  auto end = log_->append_follower(batches, any_epoch, now_ms);
  if (!end)
    return end.error();
  unsynced_ += batches.size();
  return unsynced_ < sync_bytes ? result<void>{} : sync();
}

result<void> log_copy::begin_at(offset at, int64_t now_ms) {
  MILLRACE_TRY(log_->reset_to(at, now_ms));
  begun_ = true;
  return {};
}

result<void> log_copy::sync() {
  auto job = log_->begin_sync();
  const auto outcome = job.run(*files_);
  log_->complete_sync(job, outcome);
  unsynced_ = 0;
  return outcome;
}

/// Drops what the source does not have (any more), and where there is nothing
/// to go on from, begins at the source's start.
result<void> log_copy::align(const partition_log& source, int64_t now_ms) {
  const auto end = log_->log_end_offset();
  bool agrees = begun_ && end >= source.log_start_offset()
                && end <= source.log_end_offset();
  if (agrees && log_->last_batch_epoch() != no_leader_epoch) {
    const auto there = source.end_offset_for(log_->last_batch_epoch());
    agrees = there.epoch == log_->last_batch_epoch() && there.end >= end;
  }
  if (agrees)
    return {};
  begun_ = false;
  return source.log_end_offset() > source.log_start_offset()
           ? result<void>{}
           : begin_at(source.log_end_offset(), now_ms);
}

result<log_copy::whole> log_copy::finish(partition_log::opening source) {
  const auto now_ms = source.now_ms;
  const auto name = source.directory;
  auto opened = partition_log::open(std::move(source));
  if (!opened)
    return opened.error();
  auto& log = **opened;
  if (log.first_lost())
    return error{errc::corrupt, name + " is damaged"};
  MILLRACE_TRY(align(log, now_ms));
  const auto end = log.log_end_offset();
  while (!begun_ || log_->log_end_offset() < end) {
    const auto from = next().value_or(log.log_start_offset());
    auto batches = log.read_bytes(from, end, read_bytes_max, true);
    if (!batches)
      return batches.error();
    if (batches->empty())
      return error{errc::corrupt,
        name + " has nothing at offset " + std::to_string(from.value)};
    MILLRACE_TRY(add(*batches, now_ms));
  }
  const whole all{log.log_start_offset(), end};
  MILLRACE_TRY(log.close(true));
  MILLRACE_TRY(log_->close(true));
  return all;
}

} // namespace millrace
