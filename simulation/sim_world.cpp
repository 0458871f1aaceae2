#include "simulation/sim_world.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

void sim_world::after(sim_time delay, std::function<void()> what) {
  queue_.emplace(std::pair{now_ + delay, sequence_++}, std::move(what));
}

sim_time sim_world::next_event() const {
  return queue_.empty() ? INT64_MAX : queue_.begin()->first.first;
}

bool sim_world::advance_to(sim_time time) {
  bool any = false;
  if (time > now_)
    now_ = time;
  while (!queue_.empty() && queue_.begin()->first.first <= now_) {
    auto what = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
    what();
    any = true;
  }
  return any;
}

void sim_world::trace(uint64_t kind, uint64_t number, std::string_view bytes) {
  ++events_;
  const auto step = [this](uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15ull;
    hash_ ^= hash_ >> 29;
  };
  step(kind);
  step(number);
  step(static_cast<uint64_t>(now_));
  step(bytes.size());
  for (size_t i = 0; i < bytes.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, std::min<size_t>(8, bytes.size() - i));
    step(word);
  }
}

} // namespace millrace
