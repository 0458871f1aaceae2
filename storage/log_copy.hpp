#pragma once

// A copy of a log that grows in another directory while the log is in use:
// first what is committed, as fast as it is told, and at the end, when the
// log is closed, what is left. Blocks; one thread at a time.

#include "storage/partition_log.hpp"

namespace millrace {

class log_copy {
public:
  /// Where the log ended up.
  struct whole {
    offset log_start;
    offset end;
  };

  /// Begins an empty copy. Precondition: `what.directory` holds no log.
  static result<log_copy> open(partition_log::opening what);

  /// Where the source is to be read next; nullopt: from where it begins.
  [[nodiscard]] std::optional<offset> next() const {
    return begun_ ? std::optional{log_->log_end_offset()} : std::nullopt;
  }
  [[nodiscard]] uint64_t size_bytes() const {
    return log_->size_bytes();
  }

  /// Whole batches of the source, from the one that holds next(). Now and then
  /// it syncs, so that little waits for the disk. errc::corrupt: they are not
  /// what comes next.
  result<void> add(const shared_bytes& batches, int64_t now_ms);
  /// What the copy has is not in the source any more: what is added next is
  /// where it begins.
  void begin_again() {
    begun_ = false;
  }

  /// Takes what is left out of the log, which nobody has open, and makes all of
  /// it durable; nothing can be done with the copy afterwards. What the two do
  /// not have in common, as the log was cut, is copied again. errc::corrupt:
  /// the log is damaged, and is not moved; the rest are those of the file
  /// system.
  result<whole> finish(partition_log::opening source);

private:
  log_copy(file_system& files, std::unique_ptr<partition_log> log)
      : files_(&files), log_(std::move(log)) {}

  result<void> begin_at(offset at, int64_t now_ms);
  result<void> sync();
  result<void> align(const partition_log& source, int64_t now_ms);

  file_system* files_;
  std::unique_ptr<partition_log> log_;
  bool begun_ = false;
  uint64_t unsynced_ = 0;
};

} // namespace millrace
