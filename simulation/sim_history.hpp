#pragma once

// What clients were told and what they saw, and the rules that must hold
// between the two.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace millrace {

/// Values are unique, and each belongs to one producer of one partition.
class sim_history {
public:
  using place = std::pair<int32_t, int64_t>; ///< partition, offset

  void sent(const std::string& value) {
    sent_.insert(value);
  }
  /// The node has acknowledged that `value` is at `at`.
  void acknowledged(place at, const std::string& value);
  /// A client has read `value` at `at`.
  void read(place at, const std::string& value);
  /// A client has committed `offset` for the group, and got its answer.
  void committed(int64_t offset);
  /// What the group's offset may be after `offset` was last sent.
  void check_committed(int64_t found, int64_t last_sent);
  /// At the end everything was read from the beginning: `seen` holds all
  /// that is there.
  void check_complete(const std::map<place, std::string>& seen);

  /// The first rule that was broken, or empty.
  [[nodiscard]] const std::string& failure() const {
    return failure_;
  }
  void fail(std::string what) {
    if (failure_.empty())
      failure_ = std::move(what);
  }
  [[nodiscard]] uint64_t acknowledged_count() const {
    return acknowledged_.size();
  }

private:
  std::set<std::string> sent_;
  std::map<place, std::string> acknowledged_;
  std::map<place, std::string> read_;
  int64_t committed_ = -1;
  std::string failure_;
};

} // namespace millrace
