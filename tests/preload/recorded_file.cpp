#include "tests/preload/recorded_file.hpp"

#include <algorithm>
#include <map>

namespace millrace::preload {

void recorded_file::apply(const change& c, std::string& content) {
  if (c.truncates) {
    content.resize(c.position);
    return;
  }
  const auto end = c.position + c.bytes.size();
  if (content.size() < end)
    content.resize(end);
  std::copy(c.bytes.begin(), c.bytes.end(),
    content.begin() + static_cast<ptrdiff_t>(c.position));
}

void recorded_file::write(
  size_t begun, uint64_t position, std::string_view bytes) {
  unsynced_.push_back({begun, never, false, position, bytes});
  apply(unsynced_.back(), cached_);
}

void recorded_file::truncate(size_t begun, uint64_t size) {
  unsynced_.push_back({begun, never, true, size, {}});
  apply(unsynced_.back(), cached_);
}

void recorded_file::finish(size_t begun, size_t ended) {
  for (auto& c : unsynced_)
    if (c.begun == begun)
      c.ended = ended;
}

void recorded_file::sync(size_t begun) {
  std::erase_if(unsynced_, [&](const change& c) {
    if (c.ended >= begun)
      return false;
    apply(c, durable_);
    return true;
  });
}

void recorded_file::sync_one(size_t begun) {
  const auto synced
    = std::find_if(unsynced_.begin(), unsynced_.end(), [&](const change& c) {
        return c.begun == begun;
      });
  if (synced == unsynced_.end())
    return;
  apply(*synced, durable_);
  // What earlier ones wrote to the same bytes is gone; what else they wrote
  // is as unsynced as before.
  const auto begin = synced->position;
  const auto end = begin + synced->bytes.size();
  std::vector<change> rest;
  for (auto c = unsynced_.begin(); c != unsynced_.end(); ++c) {
    if (c == synced)
      continue;
    const auto last = c->position + c->bytes.size();
    if (c > synced || c->truncates || last <= begin || end <= c->position) {
      rest.push_back(*c);
      continue;
    }
    if (c->position < begin)
      rest.push_back({c->begun, c->ended, false, c->position,
        c->bytes.substr(0, begin - c->position)});
    if (end < last)
      rest.push_back(
        {c->begun, c->ended, false, end, c->bytes.substr(end - c->position)});
  }
  unsynced_ = std::move(rest);
}

void recorded_file::settle(size_t place, std::string_view actual) {
  for (auto& c : unsynced_) {
    if (c.ended != never)
      continue;
    c.ended = place;
    if (c.truncates) {
      c.position = std::max<uint64_t>(c.position, actual.size());
      continue;
    }
    // As much of it as was written; what was there before is no change.
    const auto end = std::min<uint64_t>(
      c.position + c.bytes.size(), std::max(c.position, actual.size()));
    c.bytes = c.position < end ? actual.substr(c.position, end - c.position)
                               : std::string_view{};
  }
  std::erase_if(unsynced_, [](const change& c) {
    return !c.truncates && c.bytes.empty();
  });
  cached_ = durable_;
  for (const auto& c : unsynced_)
    apply(c, cached_);
}

std::string recorded_file::crash(
  crash_policy policy, std::mt19937_64& rng) const {
  if (policy.kept <= 0 || unsynced_.empty())
    return durable_;
  if (policy.kept >= 1)
    return cached_;
  return crash_blocks(policy.kept, rng);
}

std::string recorded_file::crash_blocks(
  double kept, std::mt19937_64& rng) const {
  std::bernoulli_distribution keep{kept};
  const auto one_of = [&](size_t count) {
    return std::uniform_int_distribution<size_t>{0, count - 1}(rng);
  };
  // The size is of its own: that after the first `sized` changes. The
  // truncations among them have happened, whatever became of the bytes.
  const size_t sized
    = keep(rng) ? unsynced_.size() : one_of(unsynced_.size() + 1);
  std::string out = durable_;
  uint64_t size = durable_.size();
  std::map<uint64_t, std::vector<const change*>> blocks; // written ones
  for (size_t i = 0; i < unsynced_.size(); ++i) {
    const auto& c = unsynced_[i];
    if (c.truncates) {
      if (i >= sized)
        continue;
      size = c.position;
      if (out.size() > size)
        std::fill(out.begin() + static_cast<ptrdiff_t>(size), out.end(), '\0');
      blocks.erase(blocks.lower_bound(c.position / block_bytes), blocks.end());
      continue;
    }
    const auto end = c.position + c.bytes.size();
    if (i < sized)
      size = std::max(size, end);
    for (auto b = c.position / block_bytes; b * block_bytes < end; ++b)
      blocks[b].push_back(&c);
  }
  for (const auto& [block, writes] : blocks) {
    // A block is on disk as some write left it, or as it was.
    const size_t count = keep(rng) ? writes.size() : one_of(writes.size());
    const auto begin = block * block_bytes;
    for (size_t i = 0; i < count; ++i) {
      const auto& c = *writes[i];
      const auto from = std::max(begin, c.position);
      const auto to
        = std::min(begin + block_bytes, c.position + c.bytes.size());
      if (out.size() < to)
        out.resize(to);
      std::copy_n(c.bytes.begin() + static_cast<ptrdiff_t>(from - c.position),
        to - from, out.begin() + static_cast<ptrdiff_t>(from));
    }
  }
  out.resize(size);
  return out;
}

} // namespace millrace::preload
