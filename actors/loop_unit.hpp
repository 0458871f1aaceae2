#pragma once

// An execution unit that belongs to a thread of our own: actors that become
// ready because of a message sent with it run on this thread after the turn,
// without a hand-off to the scheduler. That halves the latency of a lone
// request. An actor that is running elsewhere just gets its message there.

#include <caf/all.hpp>

#include <cstdint>
#include <deque>

namespace millrace {

class loop_unit : public caf::execution_unit {
public:
  /// @param ready_max so many wait here; the scheduler runs any others
  explicit loop_unit(caf::actor_system* system, size_t ready_max = SIZE_MAX)
      : caf::execution_unit(system), ready_max_(ready_max) {}
  ~loop_unit() override {
    for (auto* job : ready_)
      caf::intrusive_ptr_release(job);
  }

  void exec_later(caf::resumable* job) override {
    if (ready_.size() < ready_max_)
      ready_.push_back(job);
    else
      system().scheduler().enqueue(job);
  }

  /// Runs what is ready, including what that makes ready. False if there was
  /// nothing.
  bool run() {
    if (ready_.empty())
      return false;
    while (!ready_.empty()) {
      auto* job = ready_.front();
      ready_.pop_front();
      switch (job->resume(this, messages_per_run)) {
      case caf::resumable::resume_later:
        ready_.push_back(job);
        break;
      case caf::resumable::done:
      case caf::resumable::awaiting_message:
        caf::intrusive_ptr_release(job);
        break;
      case caf::resumable::shutdown_execution_unit:
        break;
      }
    }
    return true;
  }

private:
  static constexpr size_t messages_per_run = 300;
  size_t ready_max_;
  std::deque<caf::resumable*> ready_;
};

} // namespace millrace
