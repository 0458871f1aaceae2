#include "cluster/pending_offsets.hpp"

#include "schema/assert.hpp"

#include <limits>

namespace millrace {

void pending_offsets::stage(const offset_key& key) {
  ++slots_[key].staged;
}

void pending_offsets::unstage(const offset_key& key) {
  const auto at = slots_.find(key);
  MILLRACE_ASSERT(at != slots_.end() && at->second.staged > 0,
    "what leaves the way into the log was on it");
  --at->second.staged;
  erase_if_blank(at);
}

void pending_offsets::put(
  producer_id producer, const offset_key& key, pending_offset value) {
  slots_[key].open.insert_or_assign(producer, std::move(value));
  producers_[producer].insert(key);
}

std::vector<producer_id> pending_offsets::erase(const offset_key& key) {
  std::vector<producer_id> erased;
  const auto at = slots_.find(key);
  if (at == slots_.end())
    return erased;
  for (const auto& [producer, value] : at->second.open) {
    erased.push_back(producer);
    const auto of = producers_.find(producer);
    of->second.erase(key);
    if (of->second.empty())
      producers_.erase(of);
  }
  at->second.open.clear();
  erase_if_blank(at);
  return erased;
}

std::vector<std::pair<offset_key, pending_offset>> pending_offsets::take(
  producer_id producer) {
  std::vector<std::pair<offset_key, pending_offset>> taken;
  const auto of = producers_.extract(producer);
  if (!of)
    return taken;
  for (const auto& key : of.mapped()) {
    const auto at = slots_.find(key);
    auto value = at->second.open.extract(producer);
    taken.emplace_back(key, std::move(value.mapped()));
    erase_if_blank(at);
  }
  return taken;
}

bool pending_offsets::knows(const std::string& group) const {
  const auto first = first_of(group);
  return first != slots_.end() && first->first.group == group;
}

std::vector<offset_key> pending_offsets::keys(const std::string& group) const {
  std::vector<offset_key> all;
  for (auto it = first_of(group);
    it != slots_.end() && it->first.group == group; ++it)
    all.push_back(it->first);
  return all;
}

std::vector<std::string> pending_offsets::groups() const {
  std::vector<std::string> names;
  for (const auto& [key, slot] : slots_)
    if (names.empty() || names.back() != key.group)
      names.push_back(key.group);
  return names;
}

const pending_offset* pending_offsets::find(
  producer_id producer, const offset_key& key) const {
  const auto at = slots_.find(key);
  if (at == slots_.end())
    return nullptr;
  const auto of = at->second.open.find(producer);
  return of == at->second.open.end() ? nullptr : &of->second;
}

void pending_offsets::clear() {
  slots_.clear();
  producers_.clear();
}

pending_offsets::slot_map::const_iterator pending_offsets::first_of(
  const std::string& group) const {
  return slots_.lower_bound({group, {}, std::numeric_limits<int32_t>::min()});
}

void pending_offsets::erase_if_blank(slot_map::iterator at) {
  if (at->second.open.empty() && at->second.staged == 0)
    slots_.erase(at);
}

} // namespace millrace
