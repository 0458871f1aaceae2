#include "cluster/offset_store.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

const committed_offset* offset_store::slot::latest() const {
  const auto& value = staged.empty() ? committed : staged.back().value;
  return value ? &*value : nullptr;
}

void offset_store::stage(uint64_t append_id, const offset_key& key,
  std::optional<committed_offset> value) {
  auto& staged = groups_[key.group][key.topic][key.partition].staged;
  MILLRACE_ASSERT(staged.empty() || staged.back().append_id <= append_id,
    "append ids only rise");
  staged.push_back({append_id, std::move(value)});
}

void offset_store::apply(uint64_t append_id, const offset_key& key,
  std::optional<committed_offset> value, offset at) {
  auto& slot = groups_[key.group][key.topic][key.partition];
  slot.committed = std::move(value);
  slot.committed_at = at;
  const auto it = std::find_if(
    slot.staged.begin(), slot.staged.end(), [&](const staged_offset& s) {
      return s.append_id == append_id;
    });
  if (it != slot.staged.end())
    slot.staged.erase(it);
  erase_if_blank(key);
}

void offset_store::drop(uint64_t append_id, const offset_key& key) {
  const auto group = groups_.find(key.group);
  if (group == groups_.end())
    return;
  std::erase_if(group->second[key.topic][key.partition].staged,
    [&](const staged_offset& s) {
      return s.append_id == append_id;
    });
  erase_if_blank(key);
}

const committed_offset* offset_store::committed(
  const std::string& group, const std::string& topic, int32_t partition) const {
  const auto* found = find(group, topic, partition);
  return found && found->committed ? &*found->committed : nullptr;
}

std::optional<offset> offset_store::committed_at(const offset_key& key) const {
  const auto* found = find(key.group, key.topic, key.partition);
  return found && found->committed ? std::optional{found->committed_at}
                                   : std::nullopt;
}

const committed_offset* offset_store::latest(
  const std::string& group, const std::string& topic, int32_t partition) const {
  const auto* found = find(group, topic, partition);
  return found ? found->latest() : nullptr;
}

void offset_store::for_each_committed(
  const std::string& group, const visitor& visit) const {
  const auto found = groups_.find(group);
  if (found == groups_.end())
    return;
  for (const auto& [topic, partitions] : found->second)
    for (const auto& [partition, slot] : partitions)
      if (slot.committed)
        visit(topic, partition, *slot.committed);
}

void offset_store::for_each_latest(
  const std::string& group, const visitor& visit) const {
  const auto found = groups_.find(group);
  if (found == groups_.end())
    return;
  for (const auto& [topic, partitions] : found->second)
    for (const auto& [partition, slot] : partitions)
      if (const auto* value = slot.latest())
        visit(topic, partition, *value);
}

bool offset_store::knows(const std::string& group) const {
  return groups_.contains(group);
}

bool offset_store::has_latest(const std::string& group) const {
  bool any = false;
  for_each_latest(group, [&](auto&&...) {
    any = true;
  });
  return any;
}

std::vector<std::string> offset_store::groups() const {
  std::vector<std::string> names;
  names.reserve(groups_.size());
  for (const auto& [name, topics] : groups_)
    names.push_back(name);
  return names;
}

void offset_store::clear() {
  groups_.clear();
}

const offset_store::slot* offset_store::find(
  const std::string& group, const std::string& topic, int32_t partition) const {
  const auto g = groups_.find(group);
  if (g == groups_.end())
    return nullptr;
  const auto t = g->second.find(topic);
  if (t == g->second.end())
    return nullptr;
  const auto p = t->second.find(partition);
  return p == t->second.end() ? nullptr : &p->second;
}

void offset_store::erase_if_blank(const offset_key& key) {
  const auto g = groups_.find(key.group);
  const auto t = g->second.find(key.topic);
  const auto p = t->second.find(key.partition);
  if (!p->second.blank())
    return;
  t->second.erase(p);
  if (t->second.empty())
    g->second.erase(t);
  if (g->second.empty())
    groups_.erase(g);
}

} // namespace millrace
