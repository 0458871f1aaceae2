#pragma once

// What moved a group lately: for whoever asks why it rebalances.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace millrace {

struct rebalance_cause {
  std::string member; ///< whose doing it was; empty for the topics'
  std::string reason; ///< `joined`, `session timed out`, ...

  bool operator==(const rebalance_cause&) const = default;
};

struct rebalance_note {
  int32_t epoch = 0; ///< of the group, or its generation, that began with it
  rebalance_cause cause;
  int64_t at_ms = 0; ///< since the Unix epoch
  /// Until every member had what it was to have; nothing while it goes on. A
  /// rebalance that another one overtakes ends with that one.
  std::optional<int64_t> duration_ms;

  bool operator==(const rebalance_note&) const = default;
};

/// The last rebalances of one group, the oldest first. Not durable: a new
/// coordinator begins with an empty one.
class rebalance_log {
public:
  static constexpr size_t notes_max = 16;

  void started(int32_t epoch, rebalance_cause cause, int64_t at_ms);
  /// Every member has its target: ends what goes on.
  void settled(int64_t at_ms);
  [[nodiscard]] const std::deque<rebalance_note>& notes() const {
    return notes_;
  }

private:
  std::deque<rebalance_note> notes_;
};

/// A reason with what the client says about it (KIP-800), if it does, cut to
/// what is fit to be read.
[[nodiscard]] std::string with_words(
  std::string reason, const std::optional<std::string>& words);

} // namespace millrace
