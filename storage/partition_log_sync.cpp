#include "storage/data_directory_listing.hpp"
#include "storage/partition_log.hpp"

#include <algorithm>

namespace millrace {

result<std::shared_ptr<file>> partition_log::active_file() {
  if (writing_ != nullptr)
    return writing_;
  return cache_->open(path_of(active().base, ".log"));
}

void partition_log::mark_dirty(const std::shared_ptr<file>& handle) {
  if (writing_ == handle)
    return;
  writing_ = handle;
  dirty_.push_back(handle);
}

partition_log::sync_job partition_log::begin_sync() {
  sync_job job;
  job.files = std::exchange(dirty_, {});
  in_flight_.insert(in_flight_.end(), job.files.begin(), job.files.end());
  job.number = ++jobs_begun_;
  writing_.reset();
  if (std::exchange(directory_dirty_, false))
    job.directories.push_back(directory_);
  if (std::exchange(parent_dirty_, false)) {
    job.identity_of = directory_;
    job.directories.push_back(parent_directory(directory_));
  }
  if (std::exchange(epochs_due_, false)) {
    job.epochs_path = directory_ + "/leader-epoch-checkpoint";
    job.epochs = epochs_.encode();
    epochs_stale_ = false;
  }
  job.end = log_end_;
  job.generation = generation_;
  return job;
}

result<void> partition_log::sync_job::run(file_system& files_of_node) {
  for (const auto& handle : files)
    MILLRACE_TRY(handle->sync());
  MILLRACE_TRY(run_after_volume(files_of_node));
  if (!identity_of.empty())
    MILLRACE_TRY(sync_topic_id(files_of_node, identity_of));
  for (const auto& directory : directories)
    MILLRACE_TRY(files_of_node.sync_directory(directory));
  return {};
}

result<void> partition_log::sync_job::run_after_volume(
  file_system& files_of_node) {
  if (epochs_path.empty())
    return {};
  return replace_file(files_of_node, epochs_path, epochs);
}

void partition_log::complete_sync(
  const sync_job& job, const result<void>& outcome) {
  if (!outcome) {
    offline_ = true;
    return;
  }
  if (job.number == jobs_begun_)
    in_flight_.clear();
  // A job from before a truncation says nothing about what was written since.
  if (offline_ || job.generation != generation_)
    return;
  MILLRACE_ASSERT(
    job.end <= log_end_, "what is durable has been appended before");
  durable_end_ = std::max(durable_end_, job.end);
}

result<void> partition_log::sync_everything() {
  // A job that another thread has not finished proves nothing yet.
  if (!in_flight_.empty()) {
    dirty_.insert(dirty_.end(), in_flight_.begin(), in_flight_.end());
    in_flight_.clear();
    directory_dirty_ = true;
    epochs_due_ = true;
  }
  auto job = begin_sync();
  const auto outcome = job.run(cache_->files());
  complete_sync(job, outcome);
  return outcome;
}

result<void> partition_log::close(bool clean) {
  if (offline_)
    return error{errc::offline, to_string(name_) + " is offline"};
  revoke_compaction();
  const auto finish = [&]() -> result<void> {
    if (clean) {
      auto& s = active();
      s.close_times();
      if (!s.offsets.entries().empty())
        MILLRACE_TRY(write_indexes(s));
      // A short segment is walked faster than a file is written, synced and
      // read again: ten thousand idle logs stop at once.
      constexpr uint64_t walked_bytes = 64u << 10;
      if (last_snapshot_ < log_end_ && s.size > walked_bytes) {
        MILLRACE_TRY(write_aborted(s)); // what the snapshot does not say
        MILLRACE_TRY(write_snapshot(log_end_));
      }
      const bool wanted = segments_.size() > 1 || !s.offsets.entries().empty();
      epochs_due_ = epochs_due_ || (epochs_stale_ && wanted);
    }
    return sync_everything();
  };
  auto outcome = finish();
  offline_ = true;
  dirty_.clear();
  in_flight_.clear();
  writing_.reset();
  return outcome;
}

} // namespace millrace
