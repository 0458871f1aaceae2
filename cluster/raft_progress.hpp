#pragma once

// What a leader knows of one other member: how far its log agrees, what is
// under way to it, and how it is being served.
//
//   probe      the place where the logs agree is being looked for: one
//              message at a time; if it is lost, a heartbeat's answer goes on
//   replicate  it is known: messages follow on one another unanswered, up to
//              a bound of bytes and messages (thesis 10.2.1)
//   snapshot   the member needs entries that are gone: chunk after chunk

#include "cluster/raft_options.hpp"
#include "schema/raft_entry.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace millrace {

enum class raft_progress_state : uint8_t { probe, replicate, snapshot };

[[nodiscard]] const char* to_string(raft_progress_state state);

class raft_progress {
public:
  /// @param last_index of the leader's log: the best guess (§5.3, nextIndex)
  raft_progress(uint64_t last_index, int64_t now_ms)
      : next_(last_index + 1), heard_ms_(now_ms) {}

  [[nodiscard]] raft_progress_state state() const {
    return state_;
  }
  /// Durable there and as in the leader's log up to here.
  [[nodiscard]] uint64_t match() const {
    return match_;
  }
  /// The entry to send next.
  [[nodiscard]] uint64_t next() const {
    return next_;
  }

  /// Whether entries may be sent now.
  [[nodiscard]] bool is_open(const raft_options& options) const;
  /// Entries up to `last_index` were sent.
  void on_sent(uint64_t last_index, size_t bytes);

  /// The member agrees up to `match`, durably. Returns whether that is news.
  /// The place where the logs agree is known now: replicates from there,
  /// unless a snapshot must bring the member up to `first_index` first.
  bool on_success(uint64_t match, uint64_t first_index);
  /// The member has refused what follows on `refused`; `agreed` may agree.
  /// Ignores what an older message brought.
  void on_refusal(uint64_t refused, uint64_t agreed);

  /// An answer came: the member lives, and it follows since `round`.
  void on_heard(int64_t now_ms, uint64_t round);
  [[nodiscard]] int64_t heard_ms() const {
    return heard_ms_;
  }
  [[nodiscard]] uint64_t round() const {
    return round_;
  }

  /// The commit index last sent to the member.
  uint64_t commit_sent = 0;
  /// Entries from here on were asked from the shell.
  std::optional<uint64_t> reading;

  /// A snapshot on its way. One chunk at a time is not answered.
  struct transfer {
    std::optional<raft_position> last; ///< none: the shell chooses
    uint64_t position = 0;             ///< of the chunk under way
    bool reading = true;               ///< the shell has not read it yet
    bool done = false;                 ///< it is the last one
    int64_t since_ms = 0;              ///< it was asked for or sent
  };
  void become_snapshot(int64_t now_ms);
  [[nodiscard]] transfer& snapshot() {
    return transfer_;
  }

private:
  void become_probe(uint64_t next);

  struct sent {
    uint64_t last_index;
    size_t bytes;
  };

  raft_progress_state state_ = raft_progress_state::probe;
  uint64_t match_ = 0;
  uint64_t next_;
  bool probing_ = false; // a probe is not answered
  std::deque<sent> inflight_;
  size_t inflight_bytes_ = 0;
  int64_t heard_ms_;
  uint64_t round_ = 0;
  transfer transfer_;
};

} // namespace millrace
