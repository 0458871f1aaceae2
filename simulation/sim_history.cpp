#include "simulation/sim_history.hpp"

namespace millrace {

namespace {

std::string name(const sim_history::place& at) {
  return "partition " + std::to_string(at.first) + " offset "
         + std::to_string(at.second);
}

} // namespace

void sim_history::acknowledged(place at, const std::string& value) {
  const auto [entry, fresh] = acknowledged_.emplace(at, value);
  if (!fresh && entry->second != value)
    fail("one value per offset: " + name(at) + " was acknowledged for "
         + entry->second + " and for " + value);
  if (const auto seen = read_.find(at);
    seen != read_.end() && seen->second != value)
    fail("one value per offset: " + name(at) + " was read as " + seen->second
         + " and acknowledged for " + value);
}

void sim_history::read(place at, const std::string& value) {
  if (!sent_.contains(value))
    fail("no value from nowhere: " + name(at) + " holds " + value);
  const auto [entry, fresh] = read_.emplace(at, value);
  if (!fresh && entry->second != value)
    fail("one value per offset: " + name(at) + " was read as " + entry->second
         + " and as " + value);
  if (const auto acked = acknowledged_.find(at);
    acked != acknowledged_.end() && acked->second != value)
    fail("one value per offset: " + name(at) + " was acknowledged for "
         + acked->second + " and read as " + value);
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

void sim_history::check_complete(const std::map<place, std::string>& seen) {
  for (const auto& [at, value] : acknowledged_) {
    const auto there = seen.find(at);
    if (there == seen.end())
      fail("nothing acknowledged is lost: " + value + " at " + name(at));
    else if (there->second != value)
      fail("one value per offset: " + name(at) + " was acknowledged for "
           + value + " and holds " + there->second);
  }
  for (const auto& [at, value] : read_)
    if (!seen.contains(at))
      fail("nothing read is lost: " + value + " at " + name(at));
  std::map<std::string, place> places;
  for (const auto& [at, value] : seen)
    if (const auto [first, fresh] = places.emplace(value, at); !fresh)
      fail("an idempotent producer's records are there once: " + value
           + " is at " + name(first->second) + " and at " + name(at));
}

} // namespace millrace
