#include "cluster/throttle_queue.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int64_t us_per_s = 1'000'000;
/// More than any machine moves, and small enough to be multiplied.
constexpr int64_t rate_max = int64_t{1} << 40;
constexpr int64_t bytes_max = int64_t{1} << 40;

} // namespace

void throttle_queue::set_rate(int64_t bytes_per_s, int64_t now_us) {
  rate_ = bytes_per_s > rate_max ? unbounded : bytes_per_s;
  debt_ = 0;
  paid_us_ = now_us;
}

void throttle_queue::ask(uint64_t ticket, int64_t bytes) {
  waiting_.push_back({ticket, bytes});
}

int64_t throttle_queue::credit() const {
  return rate_ == unbounded ? 0 : rate_ * credit_us;
}

void throttle_queue::pay(int64_t now_us) {
  const auto elapsed = std::max<int64_t>(now_us - paid_us_, 0);
  paid_us_ = std::max(paid_us_, now_us);
  if (rate_ == unbounded || rate_ == 0)
    return;
  const auto owed = debt_ + credit();
  // Divided, as the product may be too big after a long silence.
  debt_ = elapsed > owed / rate_ ? -credit() : debt_ - elapsed * rate_;
}

void throttle_queue::charge(int64_t bytes) {
  if (rate_ == unbounded)
    return;
  const auto by = std::clamp(bytes, -bytes_max, bytes_max) * us_per_s;
  debt_ = std::clamp(debt_ + by, -credit(), bytes_max * us_per_s);
}

std::vector<throttle_queue::turn> throttle_queue::due(int64_t now_us) {
  pay(now_us);
  std::vector<turn> turns;
  while (!waiting_.empty() && rate_ > 0 && debt_ <= 0) {
    charge(waiting_.front().bytes);
    turns.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return turns;
}

void throttle_queue::give_back(int64_t bytes, int64_t now_us) {
  pay(now_us);
  charge(-bytes);
}

std::optional<int64_t> throttle_queue::next_us() const {
  if (waiting_.empty() || rate_ == 0)
    return std::nullopt;
  if (rate_ == unbounded || debt_ <= 0)
    return paid_us_;
  return paid_us_ + (debt_ + rate_ - 1) / rate_;
}

} // namespace millrace
