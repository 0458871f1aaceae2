#include "actors/quota_ledger.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int amount_bits = 36;
constexpr uint64_t amount_max = (uint64_t{1} << amount_bits) - 1;
constexpr uint64_t window_mask = (uint64_t{1} << (64 - amount_bits)) - 1;

constexpr uint64_t window_in(uint64_t word) {
  return word >> amount_bits;
}

/// The window whose last bits these are and that is nearest to `now`.
int64_t whole_window(uint64_t bits, int64_t now) {
  const auto age = (static_cast<uint64_t>(now) - bits) & window_mask;
  // Half of them are times to come: other threads' clocks are ahead.
  return age <= window_mask / 2
           ? now - static_cast<int64_t>(age)
           : now + static_cast<int64_t>(window_mask + 1 - age);
}

} // namespace

quota_bucket::quota_bucket(const quota_windows& windows)
    : windows_(windows), slots_(static_cast<size_t>(windows.count) + 1) {}

void quota_bucket::add(int64_t amount, int64_t now_ms) {
  const auto window = quota_window_at(windows_, now_ms);
  auto& slot = slots_[static_cast<size_t>(window) % slots_.size()];
  const auto bits = static_cast<uint64_t>(window) & window_mask;
  // Each word is whole in itself: nothing else is ordered by it.
  auto word = slot.load(std::memory_order_relaxed);
  uint64_t next = 0;
  do {
    const auto before = window_in(word) == bits ? word & amount_max : 0;
    const auto sum
      = std::min(before + static_cast<uint64_t>(amount), amount_max);
    next = bits << amount_bits | sum;
  } while (!slot.compare_exchange_weak(word, next, std::memory_order_relaxed));
}

quota_usage quota_bucket::usage(int64_t now_ms, int64_t more) const {
  const auto now = quota_window_at(windows_, now_ms);
  std::vector<quota_sample> samples;
  samples.reserve(slots_.size() + 1);
  for (const auto& slot : slots_) {
    const auto word = slot.load(std::memory_order_relaxed);
    samples.push_back({whole_window(window_in(word), now),
      static_cast<int64_t>(word & amount_max)});
  }
  samples.push_back({now, more});
  return usage_of(windows_, samples, now_ms);
}

std::shared_ptr<const quota_account> quota_ledger::open(
  std::shared_ptr<const client_quotas> quotas, quota_client client,
  int64_t now_ms) {
  auto account = std::make_shared<quota_account>();
  const auto held = [&](const char* key, double unit) {
    const auto limit = quotas->find(key, client);
    return limit ? held_quota{limit->rate * unit,
                     bucket({key, limit->user, limit->client_id}, now_ms)}
                 : held_quota{};
  };
  account->produced = held(producer_byte_rate, 1);
  account->fetched = held(consumer_byte_rate, 1);
  account->work = held(request_percentage, work_units_a_percent);
  account->looked_up_in = std::move(quotas);
  account->client = std::move(client);
  return account;
}

held_quota quota_ledger::connections(
  const client_quotas& quotas, const std::string& ip, int64_t now_ms) {
  const auto rate = quotas.connection_rate(ip);
  return rate ? held_quota{*rate,
                  bucket({connection_creation_rate, ip, std::nullopt}, now_ms)}
              : held_quota{};
}

std::shared_ptr<quota_bucket> quota_ledger::bucket(
  bucket_name name, int64_t now_ms) {
  const std::lock_guard lock{mutex_};
  auto& found = buckets_[std::move(name)];
  if (found != nullptr)
    return found;
  found = std::make_shared<quota_bucket>(windows_);
  auto made = found;
  if (buckets_.size() >= sweep_at_)
    sweep(now_ms);
  return made;
}

/// Of clients that are gone, and have been for as long as anything counts.
void quota_ledger::sweep(int64_t now_ms) {
  std::erase_if(buckets_, [now_ms](const auto& entry) {
    return entry.second.use_count() == 1
           && entry.second->usage(now_ms).amount == 0;
  });
  sweep_at_ = std::max<size_t>(2 * buckets_.size(), 1'024);
}

size_t quota_ledger::size() const {
  const std::lock_guard lock{mutex_};
  return buckets_.size();
}

} // namespace millrace
