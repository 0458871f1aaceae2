#pragma once

// How much of all logs of a node may be written and not yet synced. Beyond
// what the kernel allows it stops the thread that writes, and with it every
// partition that this thread serves; so the node stops before, log by log.

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace millrace {

/// Any thread.
class write_budget {
public:
  explicit write_budget(int64_t bytes_max) : bytes_max_(bytes_max) {}

  /// Whether a log with `own` unsynced bytes should sync before it writes
  /// more: it has a good part of what is allowed, or all have too much.
  [[nodiscard]] bool exhausted(int64_t own) const {
    return own > bytes_max_ / 4
           || (own > 0 && dirty_.load(std::memory_order_relaxed) > bytes_max_);
  }
  /// `bytes` were written; or, negative, are durable or given up.
  void add(int64_t bytes) {
    dirty_.fetch_add(bytes, std::memory_order_relaxed);
  }
  [[nodiscard]] int64_t dirty() const {
    return dirty_.load(std::memory_order_relaxed);
  }

private:
  const int64_t bytes_max_;
  std::atomic<int64_t> dirty_{0};
};

/// One log's part of it, given back with the object.
class write_share {
public:
  explicit write_share(std::shared_ptr<write_budget> budget)
      : budget_(std::move(budget)) {}
  ~write_share() {
    budget_->add(-own_);
  }
  write_share(const write_share&) = delete;
  write_share& operator=(const write_share&) = delete;

  void add(int64_t bytes) {
    own_ += bytes;
    budget_->add(bytes);
  }
  [[nodiscard]] bool exhausted() const {
    return budget_->exhausted(own_);
  }

private:
  std::shared_ptr<write_budget> budget_;
  int64_t own_ = 0;
};

} // namespace millrace
