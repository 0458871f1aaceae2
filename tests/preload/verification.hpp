#pragma once

// One recorded run, checked: the order of syncs and answers, and recovery
// after power losses along the record.

#include "tests/preload/answer_check.hpp"
#include "tests/preload/trials.hpp"

namespace millrace::preload {

/// A run in a folder: `record`, `history`, the recorded data directory `data`
/// and, as `after-1` and on, what each process left of it.
struct recorded_run {
  std::string folder;
  recording record;
  history done;

  /// Errors: not_found, corrupt.
  static result<recorded_run> load(const std::string& folder);
};

struct verification_options {
  trial_options trials;
  planted_fault fault;
  bool checks_answers = true;
  /// Stop at the first thing that is wrong, not only after a few.
  bool stops = false;
};

struct verification {
  /// Sentences; those of trials with the line that repeats them.
  std::vector<std::string> problems;
  size_t answer_count = 0;
  size_t consumed_bytes = 0;
  size_t trial_count = 0;
};

/// Errors: those of recorded_disk, when the record is not what happened.
[[nodiscard]] result<verification> verify(const recorded_run& run,
  const std::vector<trial>& trials, const verification_options& options);

} // namespace millrace::preload
