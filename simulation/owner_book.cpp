#include "simulation/owner_book.hpp"

#include <algorithm>

namespace millrace {

namespace {

std::string name_of(owner_book::member who) {
  return "member " + std::to_string(who);
}

} // namespace

void owner_book::fail(std::string what) {
  if (violation_.empty())
    violation_ = std::move(what);
}

owner_book::member owner_book::rival_of(
  member who, int32_t partition, int64_t now) const {
  const auto at = claims_.find(partition);
  if (at == claims_.end())
    return 0;
  for (const auto& [other, until] : at->second)
    if (other != who && until > now)
      return other;
  return 0;
}

void owner_book::check_alone(member who, int32_t partition, int64_t now) {
  const auto rival = rival_of(who, partition, now);
  if (rival != 0)
    fail("a partition belongs to one member at a time: partition "
         + std::to_string(partition) + " to " + name_of(who) + " and to "
         + name_of(rival));
}

void owner_book::owns(
  member who, const std::set<int32_t>& partitions, int64_t until, int64_t now) {
  for (const auto p : partitions) {
    auto& claim = claims_[p][who];
    claim = std::max(claim, until);
    auto& last = last_owner_[p];
    moves_ += last != 0 && last != who ? 1 : 0;
    last = who;
  }
  stays(who, until, now);
}

void owner_book::stays(member who, int64_t until, int64_t now) {
  for (auto& [partition, owners] : claims_) {
    const auto at = owners.find(who);
    if (at == owners.end())
      continue;
    at->second = std::max(at->second, until);
    check_alone(who, partition, now);
  }
}

void owner_book::gives_up(member who, int32_t partition) {
  claims_[partition].erase(who);
}

void owner_book::gives_up_all(member who) {
  for (auto& [partition, owners] : claims_)
    owners.erase(who);
}

int64_t owner_book::commits(member who, int32_t partition, int64_t now) {
  commits_.push_back({.who = who,
    .partition = partition,
    .rival = rival_of(who, partition, now)});
  return static_cast<int64_t>(commits_.size()) - 1;
}

void owner_book::answered(int64_t offset, outcome is) {
  auto& c = commits_.at(static_cast<size_t>(offset));
  c.is = is;
  if (is == outcome::refused && c.rival != 0)
    ++refused_late_;
  if (is != outcome::taken)
    return;
  if (c.rival != 0)
    fail("who has lost a partition commits nothing for it: " + name_of(c.who)
         + " did for partition " + std::to_string(c.partition)
         + ", which belonged to " + name_of(c.rival));
  auto& last = taken_.try_emplace(c.partition, -1).first->second;
  last = std::max(last, offset);
}

int64_t owner_book::taken(int32_t partition) const {
  const auto at = taken_.find(partition);
  return at == taken_.end() ? -1 : at->second;
}

void owner_book::shown(int32_t partition, int64_t offset, int64_t least) {
  const auto where = "partition " + std::to_string(partition) + " shows "
                     + std::to_string(offset);
  if (offset < least)
    fail("a committed offset is kept: " + where + " after "
         + std::to_string(least));
  if (offset < 0)
    return;
  if (static_cast<size_t>(offset) >= commits_.size()
      || commits_[static_cast<size_t>(offset)].partition != partition)
    fail("no commit from nowhere: " + where);
  else if (commits_[static_cast<size_t>(offset)].is == outcome::refused)
    fail("a commit that was refused changes nothing: " + where);
}

bool owner_book::is_settled(int32_t partition_count, int64_t now) const {
  for (int32_t p = 0; p < partition_count; ++p) {
    const auto at = claims_.find(p);
    if (at == claims_.end()
        || std::count_if(at->second.begin(), at->second.end(),
             [&](const auto& claim) {
               return claim.second > now;
             })
             != 1)
      return false;
  }
  return true;
}

std::string owner_book::text(int64_t now) const {
  std::string text;
  for (const auto& [partition, owners] : claims_) {
    text += "partition " + std::to_string(partition) + ":";
    for (const auto& [who, until] : owners)
      text += (until > now ? " " : " once ") + name_of(who);
    text += "; ";
  }
  return text;
}

} // namespace millrace
