#pragma once

// Power losses at places of the record: rebuilds what the disk may have had,
// starts the real server on it, and asks it for everything it promised.

#include "tests/preload/history.hpp"
#include "tests/preload/recorded_disk.hpp"

#include <sys/types.h>

#include <deque>
#include <functional>

namespace millrace::preload {

struct trial {
  size_t place = 0;     ///< everything before it has happened
  uint32_t variant = 0; ///< 0 loses all that was not synced, 1 nothing
};

/// What a trial found wrong.
struct trial_failure {
  trial which;
  std::string problem;
};

struct trial_options {
  std::string binary;
  std::string recorder;
  std::string scratch; ///< a directory, for directories that are removed
  uint64_t seed = 0;
  size_t at_once = 2;
};

/// Runs trials in child processes, which see the disk as it is when they
/// start.
class trial_runner {
public:
  /// All must outlive it.
  trial_runner(
    trial_options options, const history& done, const recorded_disk& disk);
  trial_runner(const trial_runner&) = delete;
  trial_runner& operator=(const trial_runner&) = delete;
  ~trial_runner();

  /// Starts one; waits for another one's end if too many are running.
  void start(const trial& which);
  /// Waits for all.
  void finish();

  [[nodiscard]] const std::vector<trial_failure>& failures() const {
    return failures_;
  }
  [[nodiscard]] size_t count() const {
    return count_;
  }

private:
  struct running {
    trial which;
    pid_t process;
    int output;
  };

  [[nodiscard]] std::string run(const trial& which) const;
  void wait_for_oldest();

  trial_options options_;
  const history& done_;
  const recorded_disk& disk_;
  std::deque<running> running_;
  std::vector<trial_failure> failures_;
  size_t count_ = 0;
};

/// Chooses `count` trials, in the order of their places: a third where an
/// answer leaves, with everything lost that was not synced; a third beside
/// syncs and changes of names, a third anywhere, with some of it lost.
[[nodiscard]] std::vector<trial> choose_trials(
  const recording& record, const history& done, size_t count, uint64_t seed);

} // namespace millrace::preload
