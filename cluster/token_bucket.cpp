#include "cluster/token_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace millrace {

namespace {

constexpr double ms_a_second = 1'000;

} // namespace

token_bucket::token_bucket(
  double rate, const quota_windows& windows, int64_t now_ms)
    : rate_(rate), windows_(windows), tokens_(0), refilled_ms_(now_ms) {
  tokens_ = bound();
}

double token_bucket::bound() const {
  return rate_ * windows_.count * static_cast<double>(windows_.length_ms)
         / ms_a_second;
}

void token_bucket::refill(int64_t now_ms) {
  const auto passed = static_cast<double>(now_ms - refilled_ms_) / ms_a_second;
  tokens_ = std::min(bound(), tokens_ + rate_ * passed);
  refilled_ms_ = now_ms;
}

void token_bucket::set_rate(double rate, int64_t now_ms) {
  if (rate == rate_)
    return;
  refill(now_ms);
  rate_ = rate;
  tokens_ = std::min(tokens_, bound());
}

void token_bucket::take(double tokens, int64_t now_ms) {
  refill(now_ms);
  tokens_ -= tokens;
}

int64_t token_bucket::wait_ms(int64_t now_ms) {
  refill(now_ms);
  if (tokens_ >= 0)
    return 0;
  return std::llround(
    std::min<double>(-tokens_ / rate_ * ms_a_second, INT32_MAX));
}

bool token_bucket::is_full(int64_t now_ms) {
  refill(now_ms);
  return tokens_ >= bound();
}

bool mutation_quota::take(size_t partitions) {
  if (bucket_ == nullptr)
    return true;
  const auto owed_ms = bucket_->wait_ms(now_ms_);
  if (strict_ && owed_ms > 0) {
    throttle_ms_ = static_cast<int32_t>(owed_ms);
    return false;
  }
  bucket_->take(static_cast<double>(partitions), now_ms_);
  if (!strict_)
    throttle_ms_ = static_cast<int32_t>(bucket_->wait_ms(now_ms_));
  return true;
}

} // namespace millrace
