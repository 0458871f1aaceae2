#pragma once

// What a share partition knows of its records in flight, by ranges: records
// side by side in the same state are one run, however many they are.

#include "schema/types.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace millrace {

/// Where the delivery of a record is (KIP-932); the numbers are Kafka's.
enum class share_record_state : int8_t {
  available = 0,
  acquired = 1,
  acknowledged = 2,
  archived = 4,
};

/// Whether a record's delivery is over.
[[nodiscard]] constexpr bool is_terminal(share_record_state state) {
  return state == share_record_state::acknowledged
         || state == share_record_state::archived;
}

/// What is so of each record of a run.
struct share_run {
  share_record_state state = share_record_state::available;
  int16_t deliveries = 0;
  /// Who holds it, and until when (monotonic); while it is acquired.
  std::string member;
  int64_t locked_until_ms = 0;
  /// An acknowledgement by its holder that is not durable yet, and what it
  /// makes of the record; 0: none.
  uint64_t pending = 0;
  share_record_state next = share_record_state::available;
  /// What is durable of it is older than this.
  bool unwritten = false;
  /// The log has no record here for anybody: a marker, an aborted batch, or
  /// compaction has taken it. Archived, and nobody holds it.
  bool gone = false;

  [[nodiscard]] bool is_free() const {
    return state == share_record_state::available;
  }
  [[nodiscard]] bool is_held_by(const std::string& who) const {
    return state == share_record_state::acquired && member == who;
  }

  bool operator==(const share_run&) const = default;
};

/// Ranges of offsets, each with its run; neighbours differ.
class share_window {
public:
  struct item {
    int64_t last = 0; ///< inclusive
    share_run run;
  };
  using runs = std::map<int64_t, item>; ///< by first offset

  [[nodiscard]] const runs& all() const {
    return runs_;
  }
  [[nodiscard]] bool empty() const {
    return runs_.empty();
  }
  /// The run that holds `at`, or the first one after it.
  [[nodiscard]] runs::const_iterator at_or_after(int64_t at) const;

  /// Whatever was known of [first, last] before.
  void assign(int64_t first, int64_t last, const share_run& run);
  /// Calls `change` with each run of [first, last], cut to that range.
  void change(int64_t first, int64_t last,
    const std::function<void(share_run& run)>& change);
  /// The same with all that there is.
  void change_all(const std::function<void(share_run& run)>& change);
  /// Forgets what is in [first, last], if `what` says so of its run.
  void erase_if(int64_t first, int64_t last,
    const std::function<bool(const share_run& run)>& what);

private:
  /// No run crosses from `at` - 1 to `at` afterwards.
  void cut(int64_t at);
  /// Neighbours from the one before `first` to the one after `last` become
  /// one where they are alike.
  void merge(int64_t first, int64_t last);

  runs runs_;
};

} // namespace millrace
