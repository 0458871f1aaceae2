#include "simulation/sim_history.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// The value's bytes as one number (FNV-1a): a spoiled value is another one.
uint64_t number_of(std::string_view value) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : value)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

} // namespace

size_t sim_history::sent(
  int32_t partition, uint32_t client, std::string_view value, int64_t now) {
  all_.sends.push_back({.partition = partition,
    .value = number_of(value),
    .client = client,
    .begin = now});
  return all_.sends.size() - 1;
}

void sim_history::acknowledged(size_t number, int64_t offset, int64_t now) {
  auto& s = all_.sends[number];
  s.outcome = send_outcome::acknowledged;
  s.offset = offset;
  s.end = now;
  auto& end = ends_[s.partition];
  end = std::max(end, offset + 1);
}

void sim_history::accepted(size_t number, int64_t offset, int64_t now) {
  auto& s = all_.sends[number];
  s.outcome = send_outcome::accepted;
  s.offset = offset;
  s.end = now;
}

int64_t sim_history::acknowledged_end(int32_t partition) const {
  const auto at = ends_.find(partition);
  return at == ends_.end() ? 0 : at->second;
}

void sim_history::read(
  uint32_t run, int32_t partition, int64_t offset, std::string_view value) {
  all_.reads.push_back({partition, offset, number_of(value), run});
}

void sim_history::committed(int64_t offset) {
  committed_ = offset;
}

void sim_history::check_committed(int64_t found, int64_t last_sent) {
  if (found < committed_)
    fail("an acknowledged commit is kept: " + std::to_string(committed_)
         + " was committed, " + std::to_string(found) + " is found");
  if (found > last_sent)
    fail("no commit from nowhere: " + std::to_string(found)
         + " is found, at most " + std::to_string(last_sent) + " was sent");
}

void sim_history::finish(uint32_t final_run) {
  all_.final_run = final_run;
  auto verdict = judge(std::move(all_));
  all_ = {};
  if (!verdict.ok())
    fail(verdict.examples.front());
}

} // namespace millrace
