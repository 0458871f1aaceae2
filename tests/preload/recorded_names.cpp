#include "tests/preload/recorded_names.hpp"

namespace millrace::preload {

node_pointer make_file() {
  return std::make_shared<recorded_node>();
}

node_pointer make_directory() {
  auto node = std::make_shared<recorded_node>();
  node->names = std::make_unique<recorded_names>();
  return node;
}

void recorded_names::apply(const change& c, table& names) {
  if (!c.from.empty())
    names.erase(c.from);
  if (!c.to.empty())
    names[c.to] = c.node;
}

void recorded_names::add(change c) {
  apply(c, cached_);
  unsynced_.push_back(std::move(c));
}

void recorded_names::put(
  size_t begun, const std::string& name, const node_pointer& node) {
  add({begun, never, {}, name, node});
}

void recorded_names::remove(size_t begun, const std::string& name) {
  add({begun, never, name, {}, nullptr});
}

void recorded_names::move(
  size_t begun, const std::string& from, const std::string& to) {
  const auto moved = cached_.find(from);
  MILLRACE_ASSERT(moved != cached_.end(), "what was renamed was there");
  add({begun, never, from, to, moved->second});
}

void recorded_names::finish(size_t begun, size_t ended) {
  for (auto& c : unsynced_)
    if (c.begun == begun)
      c.ended = ended;
}

void recorded_names::sync(size_t begun) {
  std::erase_if(unsynced_, [&](const change& c) {
    if (c.ended >= begun)
      return false;
    apply(c, durable_);
    return true;
  });
}

void recorded_names::settle(size_t place, const std::set<std::string>& actual) {
  std::erase_if(unsynced_, [&](change& c) {
    if (c.ended != never)
      return false;
    c.ended = place;
    const bool happened
      = c.from.empty() ? actual.contains(c.to) : !actual.contains(c.from);
    return !happened;
  });
  cached_ = durable_;
  for (const auto& c : unsynced_)
    apply(c, cached_);
}

recorded_names::table recorded_names::crash(
  crash_policy policy, std::mt19937_64& rng) const {
  table names = durable_;
  std::set<std::string> lost; // names of which an earlier change was lost
  std::bernoulli_distribution keep{std::min(std::max(policy.kept, 0.0), 1.0)};
  for (const auto& c : unsynced_) {
    if (keep(rng) && !lost.contains(c.from) && !lost.contains(c.to)) {
      apply(c, names);
      continue;
    }
    for (const auto& name : {c.from, c.to})
      if (!name.empty())
        lost.insert(name);
  }
  return names;
}

} // namespace millrace::preload
