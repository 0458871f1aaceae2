#pragma once

// What members of a share group were given, said and were told of it, and the
// judgement of that (KIP-932): a record belongs to one member at a time, its
// delivery ends once, and none is passed over.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace millrace {

/// The leader's epochs between which something happened there: as its node
/// knew when it was asked, and when its answer had come.
struct share_leadership {
  int32_t from = -1;
  int32_t to = std::numeric_limits<int32_t>::max();
  /// Who led then, and afterwards: a replica that is moved to another directory
  /// begins again, within its epoch.
  uint64_t actor_from = 0;
  uint64_t actor_to = 0;

  /// Whether it is known which leadership that was.
  [[nodiscard]] bool is_one() const {
    return from == to && from >= 0 && actor_from == actor_to;
  }
};

/// Pure. Times are of one clock for all members, in any unit.
class share_book {
public:
  /// Of a member at one node; 0 is none.
  using session = uint64_t;

  struct options {
    int16_t delivery_count_max = 5;
    /// A member holds a record for at least so long, by any node's clock.
    int64_t lock = 0;
  };
  explicit share_book(const options& o) : options_(o) {}

  struct range {
    int32_t partition = 0;
    int64_t first = 0;
    int64_t last = 0; ///< inclusive
  };
  /// When a question went out, and when its answer had come.
  struct times {
    int64_t asked = 0;
    int64_t told = 0;
  };
  enum class outcome : uint8_t {
    taken,
    refused, ///< nothing has come of it
    unknown,
  };

  [[nodiscard]] session begin_session() {
    return ++sessions_;
  }
  /// Its client knows that it is over.
  void end_session(session who);
  /// What was asked then has been answered: it was not over before that.
  void alive(session who, int64_t asked);

  void given(session who, const range& what, int16_t delivery_count,
    const share_leadership& leader, const times& when);
  /// An acknowledgement goes out. Returns its number.
  /// @param types Kafka's, one for each record: 1 accept, 2 release, 3 reject,
  /// 4 renew
  [[nodiscard]] size_t says(
    session who, const range& what, std::vector<int8_t> types, int64_t asked);
  /// @param start where the group is said to begin by then: of what is before
  /// it a leader takes any acknowledgement, and forgets it, as Kafka does
  void answered(size_t said, outcome is, const share_leadership& leader,
    int64_t told, int64_t start = 0);
  /// Delivered as often as may be, as its leader knows.
  void exhausted(const range& what);

  /// The first rule that was broken, or empty.
  [[nodiscard]] const std::string& violation() const {
    return violation_;
  }
  /// In the end: what is below `start` has been dealt with.
  void judge(int32_t partition, int64_t start);
  /// Records whose delivery is known to have ended.
  [[nodiscard]] uint64_t ended() const {
    return ended_;
  }

private:
  using place = std::pair<int32_t, int64_t>; ///< partition and offset
  struct record {
    session holder = 0; ///< whom it was given to last, until it says so
    int64_t held_until = 0;
    share_leadership given_by;
    int64_t given_at = 0;   ///< told
    int16_t count = 0;      ///< of deliveries, the last that was told
    int16_t kept_count = 0; ///< that is durable, since `kept_at`
    int64_t kept_at = 0;
    int32_t kept_by = -1; ///< the leader's epoch, or an earlier one
    bool ended = false;   ///< and it was answered
    int64_t ended_at = 0;
    int32_t ended_by = -1; ///< likewise
    /// Acceptances and rejections that nobody has answered.
    int unanswered = 0;
    bool is_exhausted = false;
  };
  struct statement {
    session who = 0;
    range what;
    std::vector<int8_t> types;
    std::vector<int16_t> counts; ///< of its delivery to them; 0: not theirs
    int64_t asked = 0;

    [[nodiscard]] place place_of(size_t index) const {
      return {what.partition, what.first + static_cast<int64_t>(index)};
    }
  };
  /// A record that was given to somebody while another one held it, unless
  /// the session of that one was over.
  struct suspicion {
    session holder = 0;
    int64_t since = 0;
    std::string what;
  };

  void fail(std::string what);
  void check_given(const record& r, const place& at, session who,
    int16_t delivery_count, const share_leadership& leader, const times& when);
  void take(const statement& said, size_t index, const share_leadership& leader,
    int64_t told, int64_t start);

  options options_;
  session sessions_ = 0;
  std::map<place, record> records_;
  std::vector<statement> said_;
  std::vector<suspicion> suspicions_;
  std::string violation_;
  uint64_t ended_ = 0;
};

} // namespace millrace
