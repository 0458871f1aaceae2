#include "cluster/raft_configurations.hpp"

#include "schema/assert.hpp"

namespace millrace {

raft_configurations::raft_configurations(
  uint64_t index, raft_configuration first)
    : all_{{index, std::move(first)}} {}

void raft_configurations::add(
  uint64_t index, raft_configuration configuration) {
  MILLRACE_ASSERT(index > current_index(), "configurations follow the log");
  all_.push_back({index, std::move(configuration)});
}

void raft_configurations::truncate_from(uint64_t index) {
  while (all_.back().index >= index) {
    MILLRACE_ASSERT(all_.size() > 1, "the first configuration is committed");
    all_.pop_back();
  }
}

void raft_configurations::drop_before(uint64_t index) {
  while (all_.size() > 1 && all_[1].index <= index)
    all_.erase(all_.begin());
}

void raft_configurations::restart_at(
  uint64_t index, raft_configuration configuration) {
  all_.clear();
  all_.push_back({index, std::move(configuration)});
}

const raft_configuration& raft_configurations::at(uint64_t index) const {
  auto at = all_.rbegin();
  while (at->index > index && std::next(at) != all_.rend())
    ++at;
  return at->configuration;
}

std::vector<const raft_configuration*> raft_configurations::since(
  uint64_t index) const {
  std::vector<const raft_configuration*> found;
  for (auto e = all_.rbegin(); e != all_.rend(); ++e) {
    found.push_back(&e->configuration);
    if (e->index <= index)
      break;
  }
  return found;
}

} // namespace millrace
