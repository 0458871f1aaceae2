#pragma once

// What the clients of a simulated run were told and saw, kept until the end,
// and the rules that can be judged at once.

#include "simulation/history.hpp"

#include <map>
#include <string>
#include <string_view>

namespace millrace {

class sim_history {
public:
  /// A record is on its way. Returns its number, for acknowledged().
  size_t sent(
    int32_t partition, uint32_t client, std::string_view value, int64_t now);
  void acknowledged(size_t number, int64_t offset, int64_t now);
  /// By its leader alone (acks=1).
  void accepted(size_t number, int64_t offset, int64_t now);
  /// One more than the last acknowledged offset of the partition.
  [[nodiscard]] int64_t acknowledged_end(int32_t partition) const;
  /// Whoever reads begins a run, and another one when it seeks.
  uint32_t begin_run() {
    return next_run_++;
  }
  void read(
    uint32_t run, int32_t partition, int64_t offset, std::string_view value);

  /// A client has committed `offset` for the group, and got its answer.
  void committed(int64_t offset);
  [[nodiscard]] int64_t committed_offset() const {
    return committed_;
  }
  /// What the group's offset may be after `offset` was last sent.
  void check_committed(int64_t found, int64_t last_sent);

  /// Judges all of it. @param final_run has read everything
  void finish(uint32_t final_run);

  /// The first rule that was broken, or empty.
  [[nodiscard]] const std::string& failure() const {
    return failure_;
  }
  void fail(std::string what) {
    if (failure_.empty())
      failure_ = std::move(what);
  }

private:
  history all_;
  std::map<int32_t, int64_t> ends_; ///< of what was acknowledged
  uint32_t next_run_ = 0;
  int64_t committed_ = -1;
  std::string failure_;
};

} // namespace millrace
