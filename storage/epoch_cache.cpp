#include "storage/epoch_cache.hpp"

#include <algorithm>
#include <charconv>

namespace millrace {

bool epoch_cache::assign(leader_epoch epoch, offset start) {
  if (epoch.value < 0)
    return false;
  if (!entries_.empty() && entries_.back().epoch == epoch
      && entries_.back().start <= start)
    return false;
  truncate_to(start);
  // The epochs that were chosen since began without a batch: this one goes on.
  if (last_epoch() == epoch)
    return true;
  while (last_epoch() >= epoch)
    entries_.pop_back();
  entries_.push_back({epoch, start});
  return true;
}

void epoch_cache::truncate_to(offset end) {
  while (!entries_.empty() && entries_.back().start >= end)
    entries_.pop_back();
}

void epoch_cache::advance_start(offset start) {
  auto holder = std::find_if(
    entries_.rbegin(), entries_.rend(), [&](const epoch_start& e) {
      return e.start <= start;
    });
  if (holder == entries_.rend())
    return;
  holder->start = start;
  entries_.erase(entries_.begin(), std::prev(holder.base()));
}

void epoch_cache::clear() {
  entries_.clear();
}

epoch_end epoch_cache::end_offset_for(
  leader_epoch wanted, offset log_end) const {
  if (entries_.empty() || wanted == no_leader_epoch)
    return {};
  auto above = std::upper_bound(entries_.begin(), entries_.end(), wanted,
    [](leader_epoch e, const epoch_start& x) {
      return e < x.epoch;
    });
  if (above == entries_.begin())
    // All that is known is younger: what came before has no trace here.
    return {wanted, entries_.front().start};
  const offset end = above == entries_.end() ? log_end : above->start;
  return {std::prev(above)->epoch, end};
}

leader_epoch epoch_cache::last_epoch() const {
  return entries_.empty() ? no_leader_epoch : entries_.back().epoch;
}

leader_epoch epoch_cache::epoch_at(offset at) const {
  auto above = std::upper_bound(
    entries_.begin(), entries_.end(), at, [](offset o, const epoch_start& x) {
      return o < x.start;
    });
  return above == entries_.begin() ? no_leader_epoch : std::prev(above)->epoch;
}

std::string epoch_cache::encode() const {
  std::string out = "0\n" + std::to_string(entries_.size()) + "\n";
  for (const auto& entry : entries_)
    out += std::to_string(entry.epoch.value) + " "
           + std::to_string(entry.start.value) + "\n";
  return out;
}

namespace {

/// Takes a number and the character after it off `text`.
template <class T>
bool take_number(std::string_view& text, T& number, char end) {
  const auto [stop, failed]
    = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto used = static_cast<size_t>(stop - text.data());
  if (failed != std::errc{} || used >= text.size() || text[used] != end)
    return false;
  text.remove_prefix(used + 1);
  return true;
}

error bad_line(size_t line) {
  return {errc::corrupt, "leader-epoch-checkpoint, line " + std::to_string(line)
                           + ": not what the format asks for"};
}

} // namespace

result<epoch_cache> epoch_cache::decode(std::string_view text) {
  int version = -1;
  size_t count = 0;
  if (!take_number(text, version, '\n') || version != 0)
    return bad_line(1);
  if (!take_number(text, count, '\n'))
    return bad_line(2);
  epoch_cache cache;
  for (size_t i = 0; i < count; ++i) {
    epoch_start e;
    if (!take_number(text, e.epoch.value, ' ')
        || !take_number(text, e.start.value, '\n'))
      return bad_line(i + 3);
    if (!cache.entries_.empty()
        && (e.epoch <= cache.entries_.back().epoch
            || e.start < cache.entries_.back().start))
      return bad_line(i + 3);
    cache.entries_.push_back(e);
  }
  if (!text.empty())
    return bad_line(count + 3);
  return cache;
}

} // namespace millrace
