#pragma once

// One loss of power at one place of the record: the data directory as the
// disk may have it, the real server started on it, and everything asked for.
// Sometimes the power goes again, while the server recovers or just after.

#include "tests/preload/recorded_disk.hpp"
#include "tests/preload/recovery_check.hpp"

namespace millrace::preload {

struct power_loss_options {
  std::string binary;
  std::string recorder; ///< the library to preload
  std::string folder;   ///< for all that is needed; made, and removed
};

class power_loss {
public:
  /// @param expected what was promised when the power went
  power_loss(
    power_loss_options options, const promises& expected, uint64_t seed);

  /// What was wrong after the loss, or nothing.
  /// @param again whether the power goes a second time
  [[nodiscard]] std::string run(
    const recorded_disk& disk, crash_policy policy, bool again);

private:
  [[nodiscard]] result<seen_state> recover(
    const directory_content& left, bool recorded);
  [[nodiscard]] result<void> run_again(
    const directory_content& left, const seen_state& seen);

  power_loss_options options_;
  const promises& expected_;
  std::mt19937_64 rng_;
};

} // namespace millrace::preload
