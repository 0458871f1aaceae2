#pragma once

// What clients of a log asked and were told, of a simulated run or of real
// processes, and the judgement of it: in the manner of Jepsen's Kafka
// workload, every anomaly that the answers prove, in O(n log n).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

enum class send_outcome : uint8_t {
  acknowledged, ///< it is at `offset`; -1: somewhere, as it was sent before
  /// It was at `offset` of one leader's log (acks=1), and may be lost with
  /// that leader; if it is there, it is there.
  accepted,
  refused, ///< it is certain that it was not written
  unknown, ///< it may be there or not
};

/// One record that a client sent. Times are of one clock for all clients, in
/// any unit.
struct sent_record {
  int32_t partition = 0;
  uint64_t value = 0; ///< sent once: repeated sends of a record are one
  uint32_t client = 0;
  int64_t begin = 0; ///< before the first attempt
  int64_t end = 0;   ///< after the answer; of those that have an offset
  send_outcome outcome = send_outcome::unknown;
  int64_t offset = -1; ///< of acknowledged and accepted ones
};

/// One record that a client read.
struct read_record {
  int32_t partition = 0;
  int64_t offset = 0;
  uint64_t value = 0;
  /// Reads of one run come in the order in which the log gave them; a client
  /// that seeks, or is given partitions anew, begins another run.
  uint32_t run = 0;
};

struct history {
  std::vector<sent_record> sends; ///< a client's in the order of sending
  std::vector<read_record> reads; ///< a run's in the order of reading
  /// The run, if any, that read everything from the beginning to the end when
  /// nobody wrote any more.
  std::optional<uint32_t> final_run;
  /// Clients are idempotent or send one at a time: what one sends to a
  /// partition is there in that order.
  bool clients_are_ordered = true;
};

enum class anomaly : uint8_t {
  inconsistent_offset, ///< two values at one offset
  duplicate,           ///< one value at two places
  lost,         ///< acknowledged, and not read though what follows, or all, was
  unseen,       ///< acknowledged or read, and not there at the end
  phantom_read, ///< a value that nobody sent
  aborted_read, ///< a value whose send was refused
  backward_read,    ///< a run goes back, or reads an offset twice
  skipped_read,     ///< a run leaves out what is there
  backward_send,    ///< a client's later record lies before an earlier one
  out_of_real_time, ///< lies before what was acknowledged when it was sent
};

inline constexpr size_t anomaly_count = 10;

[[nodiscard]] const char* to_string(anomaly kind);

struct history_verdict {
  std::array<uint64_t, anomaly_count> counts{};
  /// Of each kind the first few, as sentences.
  std::vector<std::string> examples;

  [[nodiscard]] bool ok() const {
    return examples.empty();
  }
  [[nodiscard]] uint64_t count(anomaly kind) const {
    return counts[static_cast<size_t>(kind)];
  }
};

/// Takes the history, which it sorts in place.
[[nodiscard]] history_verdict judge(history what);

} // namespace millrace
