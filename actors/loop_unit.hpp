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
  /// What an actor may do here before it is the scheduler's turn.
  struct limits {
    size_t ready = SIZE_MAX; ///< actors that wait
    size_t messages = 300;   ///< of one actor
    bool goes_on = true;     ///< one with more messages stays here
  };

  explicit loop_unit(caf::actor_system* system) : caf::execution_unit(system) {}
  loop_unit(caf::actor_system* system, const limits& l)
      : caf::execution_unit(system), limits_(l) {}
  ~loop_unit() override {
    for (auto* job : ready_)
      caf::intrusive_ptr_release(job);
  }

  void exec_later(caf::resumable* job) override {
    if (ready_.size() < limits_.ready)
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
      switch (job->resume(this, limits_.messages)) {
      case caf::resumable::resume_later:
        if (limits_.goes_on)
          ready_.push_back(job);
        else
          system().scheduler().enqueue(job);
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
  limits limits_;
  std::deque<caf::resumable*> ready_;
};

} // namespace millrace
