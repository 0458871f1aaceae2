#pragma once

// The bytes of one recorded file: what the page cache had, what the disk has
// for sure, and the changes between the two, of which a crash keeps what it
// likes, 512 bytes at a time.

#include "tests/preload/recording.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::preload {

/// What becomes of everything that no sync covers: lost (0), kept (1), or each
/// block and name for itself, kept with this probability.
struct crash_policy {
  double kept = 0;
};

class recorded_file {
public:
  static constexpr uint64_t block_bytes = 512;

  /// Bytes written at `position` by the call that began at place `begun`.
  /// `bytes` must outlive this object.
  void write(size_t begun, uint64_t position, std::string_view bytes);
  void truncate(size_t begun, uint64_t size);
  /// The call that began at `begun` has returned.
  void finish(size_t begun, size_t ended);
  /// A sync that began at place `begun` has returned: what had been finished
  /// before that is on disk; what overlapped it may or may not be.
  void sync(size_t begun);
  /// The write that began at `begun` was a synchronous one (O_DSYNC) and has
  /// returned: its bytes are on disk, others' are not.
  void sync_one(size_t begun);

  /// The process was killed, and the page cache really has `actual`: settles
  /// what became of calls that never returned. `actual` must outlive this
  /// object.
  void settle(size_t place, std::string_view actual);

  [[nodiscard]] const std::string& cached() const {
    return cached_;
  }
  [[nodiscard]] const std::string& durable() const {
    return durable_;
  }
  /// What the disk may have when the power goes now.
  [[nodiscard]] std::string crash(
    crash_policy policy, std::mt19937_64& rng) const;

private:
  struct change {
    size_t begun;
    size_t ended;
    bool truncates;
    uint64_t position; ///< of a truncation: the new size
    std::string_view bytes;
  };

  static void apply(const change& c, std::string& content);
  [[nodiscard]] std::string crash_blocks(
    double kept, std::mt19937_64& rng) const;

  std::string cached_;
  std::string durable_;
  std::vector<change> unsynced_; // in the order in which they began
};

} // namespace millrace::preload
