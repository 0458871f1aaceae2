#pragma once

// When many logs are synced as one volume, and when each for itself. One sync
// of the volume writes the file system's journal once, but also waits for
// whatever else is dirty there, of ours or of strangers. So both ways are
// measured, and the cheaper is taken.

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace millrace {

/// Times are microseconds of a clock that never jumps.
class sync_policy {
public:
  /// Whether `logs` logs that wait are to be synced by one sync of the volume.
  [[nodiscard]] bool together(size_t logs, int64_t now_us) const {
    return usable_ && logs >= logs_min && now_us >= not_before_us_;
  }

  /// How long one file took by itself.
  void note_alone(int64_t took_us) {
    alone_us_ += (took_us - alone_us_) / 8;
  }

  /// How long the volume took for `logs` logs. When it was dearer than the logs
  /// by themselves, by a quarter of a second more than it has saved lately, it
  /// is not tried again for a while, which doubles each time. A single slow one
  /// does not count for that: under a load that only the volume can bear, logs
  /// by themselves would be slower still.
  void note_together(size_t logs, int64_t took_us, int64_t now_us) {
    const int64_t worth = slack_us + static_cast<int64_t>(logs) * alone_us_;
    lost_us_ = std::max<int64_t>(lost_us_ + took_us - worth, 0);
    if (took_us <= worth)
      pause_us_ = pause_min_us;
    if (lost_us_ <= patience_us)
      return;
    lost_us_ = patience_us; // the next one has to pay at once
    not_before_us_ = now_us + pause_us_;
    pause_us_ = std::min(pause_us_ * 2, pause_max_us);
  }

  /// A sync of the volume failed, or there is none: never again (R6).
  void forbid() {
    usable_ = false;
  }

private:
  static constexpr size_t logs_min = 2;
  static constexpr int64_t slack_us = 2'000;
  static constexpr int64_t patience_us = 250'000;
  static constexpr int64_t pause_min_us = 250'000;
  static constexpr int64_t pause_max_us = 300'000'000;

  bool usable_ = true;
  int64_t alone_us_ = 200;
  int64_t lost_us_ = 0; ///< by syncs of the volume
  int64_t not_before_us_ = 0;
  int64_t pause_us_ = pause_min_us;
};

} // namespace millrace
