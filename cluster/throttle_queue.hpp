#pragma once

// Who may move bytes next, where all together may move so many a second. A
// turn may be for more than that: it goes whole, and the ones behind it wait
// until it is paid for. Turns come in the order of asking, so nobody starves.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace millrace {

class throttle_queue {
public:
  static constexpr int64_t unbounded = INT64_MAX;
  /// What was not moved may be moved later, up to that of so long.
  static constexpr int64_t credit_us = 100'000;

  /// One that is let through, and what it is charged with.
  struct turn {
    uint64_t ticket = 0;
    int64_t bytes = 0;
    friend bool operator==(const turn&, const turn&) = default;
  };

  /// @param bytes_per_s 0: nothing moves; unbounded: whatever comes. What was
  /// owed at another rate is forgiven.
  void set_rate(int64_t bytes_per_s, int64_t now_us);
  [[nodiscard]] int64_t rate() const {
    return rate_;
  }
  /// Whoever has this ticket wants to move so many bytes.
  void ask(uint64_t ticket, int64_t bytes);
  /// Those whose turn has come, in the order of asking.
  [[nodiscard]] std::vector<turn> due(int64_t now_us);
  /// Of what was charged so many bytes were not moved; negative: more were.
  void give_back(int64_t bytes, int64_t now_us);
  /// When the next turn comes; nullopt: nobody waits, or nothing moves.
  [[nodiscard]] std::optional<int64_t> next_us() const;

private:
  void pay(int64_t now_us);
  [[nodiscard]] int64_t credit() const;
  void charge(int64_t bytes);

  int64_t rate_ = unbounded;
  /// Millionths of bytes as of `paid_us_`, so that nothing is rounded away;
  /// negative: credit.
  int64_t debt_ = 0;
  int64_t paid_us_ = 0;
  std::deque<turn> waiting_;
};

} // namespace millrace
