#pragma once

// A group's share of one partition, where that partition is led (KIP-932):
// which records are in flight, who holds each and until when. Records in
// flight are those from the start offset (SPSO), below which all delivery is
// over, to the end offset, from which on nothing has been given out.
//
// What a member acknowledges counts when it is durable: acknowledge() marks
// it, take_write() says what to write, write_done() or write_failed() what
// becomes of it. One write is under way at a time, so that the state that is
// durable never goes back; what is said meanwhile goes into the next one.
//
// Pure: time is an argument, monotonic.

#include "cluster/share_log.hpp"
#include "cluster/share_state.hpp"
#include "cluster/share_window.hpp"
#include "schema/kafka_error.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace {

/// The settings of a group, as far as a share partition cares.
struct share_limits {
  int32_t delivery_count_max = 5;    ///< share.delivery.count.limit
  int32_t record_locks_max = 2'000;  ///< share.partition.max.record.locks
  int32_t lock_duration_ms = 30'000; ///< share.record.lock.duration.ms

  bool operator==(const share_limits&) const = default;
};

/// Records that a member has been given.
struct share_acquired {
  offset first;
  offset last; ///< inclusive
  int16_t delivery_count = 0;

  bool operator==(const share_acquired&) const = default;
};

/// How many records a fetch wants (KIP-1206).
struct share_wanted {
  int32_t records_max = 0;
  /// Of one range that it is told of.
  int32_t batch_size = INT32_MAX;
  /// No record above `records_max`; else the last batch is given whole.
  bool strict = false;
};

/// What a member says of a record; the numbers are the protocol's.
enum class share_acknowledge_type : int8_t {
  gap = 0,
  accept = 1,
  release = 2,
  reject = 3,
  renew = 4, ///< from version 2 on (KIP-1222)
};

/// One type for all records, or one for each.
struct share_acknowledgement {
  offset first;
  offset last; ///< inclusive
  std::vector<int8_t> types;
};

/// Whether a request's batches can be meant: in order, and as many types as
/// records, none above `highest`. Else it is an INVALID_REQUEST.
[[nodiscard]] bool are_plausible(std::span<const share_acknowledgement> batches,
  share_acknowledge_type highest);

/// What becomes of an acknowledgement.
struct share_verdict {
  kafka_error error = kafka_error::none;
  /// The ticket is among those of write_done() or write_failed(), later.
  bool waits = false;
};

class share_partition {
public:
  /// @param known what is durable of it
  /// @param start where it begins if `known` does not say
  share_partition(const share_partition_snapshot& known, offset start,
    leader_epoch leadership, share_limits limits);

  void configure(const share_limits& limits) {
    limits_ = limits;
  }
  [[nodiscard]] const share_limits& limits() const {
    return limits_;
  }
  [[nodiscard]] offset start() const {
    return {start_};
  }
  /// The first offset that nobody has been given.
  [[nodiscard]] offset end() const {
    return {end_};
  }
  [[nodiscard]] const share_window& window() const {
    return window_;
  }

  // share_partition.cpp

  /// From where on to read the log for acquire(); nullopt if nothing can be
  /// given out, as too much is in flight.
  [[nodiscard]] std::optional<offset> next_fetch_offset() const;
  /// Gives the member what is free of what the log has. Offsets that are
  /// between two batches are for nobody.
  /// @param read_from what next_fetch_offset() said
  /// @param log what was read: the batch that holds `read_from`, and so on
  [[nodiscard]] std::vector<share_acquired> acquire(const std::string& member,
    offset read_from, std::span<const share_log_batch> log,
    const share_wanted& wanted, int64_t now_ms);
  /// The member is gone, or has closed its session: what it holds is free.
  void release(const std::string& member);
  /// Frees what has been held for too long.
  void expire(int64_t now_ms);
  /// When expire() is wanted next.
  [[nodiscard]] std::optional<int64_t> next_deadline() const;
  /// The log begins here now. What is held below still is, for its holder.
  void move_log_start(offset log_start);

  // share_acknowledge.cpp

  /// All of it or nothing: INVALID_RECORD_STATE if the member does not hold a
  /// record (any more), INVALID_REQUEST if nobody ever has.
  /// @param ticket to be given back when it is durable
  [[nodiscard]] share_verdict acknowledge(const std::string& member,
    std::span<const share_acknowledgement> batches, uint64_t ticket,
    int64_t now_ms);

  // share_write.cpp

  /// What is to be written now; nullopt while a write is under way, and if
  /// nothing is new.
  [[nodiscard]] std::optional<share_partition_snapshot> take_write();
  /// It is durable. Returns the tickets of the acknowledgements in it.
  [[nodiscard]] std::vector<uint64_t> write_done();
  /// It has been given up: who has acknowledged holds the records still. As
  /// nobody knows whether it is durable, the next one says all that is so.
  [[nodiscard]] std::vector<uint64_t> write_failed();
  [[nodiscard]] bool is_writing() const {
    return writing_.has_value();
  }
  /// Forgets all that waits to be durable, as nobody will write it any more.
  /// Returns its tickets.
  [[nodiscard]] std::vector<uint64_t> abandon();

private:
  /// What a fetch has been given so far.
  struct taken {
    std::vector<share_acquired> given;
    int64_t records = 0;
    int64_t room = 0; ///< for offsets that nobody has been given
  };
  struct waiting {
    uint64_t number; ///< share_run::pending
    uint64_t ticket;
  };
  /// A write that is under way.
  struct writing {
    std::vector<waiting> acknowledged;
  };

  [[nodiscard]] int64_t in_flight() const;
  void skip(int64_t first, int64_t last);
  /// False if something of [first, last] is left that is to be had later.
  bool take(int64_t first, int64_t last, const share_run& held,
    const share_wanted& wanted, taken& so_far);
  /// What nobody has been given: [end, ...) becomes shorter.
  void give_new(int64_t last, const share_run& held, const share_wanted& wanted,
    taken& so_far);
  void free(share_run& run);
  /// The start moves to the first record whose delivery is not over.
  void advance();
  [[nodiscard]] kafka_error check(
    const std::string& member, const share_acknowledgement& batch) const;
  /// Returns whether something is to be written.
  bool mark(int64_t first, int64_t last, share_acknowledge_type type,
    uint64_t number, int64_t now_ms);
  [[nodiscard]] share_record_state after(
    share_acknowledge_type type, const share_run& run) const;
  [[nodiscard]] int64_t first_known() const;
  [[nodiscard]] std::vector<share_state_batch> batches_to_write(int64_t from);
  [[nodiscard]] int64_t count_complete(int64_t from) const;

  share_limits limits_;
  int32_t state_epoch_ = 0;
  leader_epoch leadership_;
  int64_t start_ = 0;
  int64_t end_ = 0;
  /// Covers [start, end), and what is held below it.
  share_window window_;
  bool unwritten_ = false; ///< something is new
  uint64_t last_number_ = 0;
  std::vector<waiting> waiting_; ///< for the next write
  std::optional<writing> writing_;
};

} // namespace millrace
