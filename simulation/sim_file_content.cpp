#include "simulation/sim_file_content.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

void sim_file_content::write(
  uint64_t position, std::span<const std::byte> bytes) {
  if (bytes.empty())
    return;
  const uint64_t end = position + bytes.size();
  // Zeros between the old end and `position` are not a change of their own:
  // a hole reads as zeros.
  if (cached_.size() < end)
    cached_.resize(end, '\0');
  std::memcpy(cached_.data() + position, bytes.data(), bytes.size());
  for (uint64_t at = position / block_bytes * block_bytes; at < end;
    at += block_bytes)
    unsynced_.push_back({false, at, cached_.substr(at, block_bytes)});
}

void sim_file_content::truncate(uint64_t size) {
  if (size == cached_.size())
    return;
  cached_.resize(size, '\0');
  unsynced_.push_back({true, size, {}});
}

void sim_file_content::make_durable(const change& c) {
  if (c.is_truncation) {
    durable_.resize(c.position, '\0');
    return;
  }
  if (durable_.size() < c.position + c.image.size())
    durable_.resize(c.position + c.image.size(), '\0');
  std::memcpy(durable_.data() + c.position, c.image.data(), c.image.size());
}

void sim_file_content::sync() {
  for (const auto& c : unsynced_)
    make_durable(c);
  unsynced_.clear();
}

void sim_file_content::sync_failed() {
  unsynced_.clear();
}

void sim_file_content::drop_cache(uint64_t from) {
  from = std::min<uint64_t>(from, cached_.size());
  cached_.resize(from);
  if (durable_.size() > from)
    cached_.append(durable_, from);
}

size_t sim_file_content::read(
  uint64_t position, std::span<std::byte> into) const {
  if (position >= cached_.size())
    return 0;
  const auto n = std::min<uint64_t>(into.size(), cached_.size() - position);
  if (n != 0)
    std::memcpy(into.data(), cached_.data() + position, n);
  return n;
}

void sim_file_content::crash(crash_policy policy, std::mt19937_64& rng) {
  if (policy == crash_policy::keep_unsynced)
    sync();
  if (policy == crash_policy::random_subset && !unsynced_.empty()) {
    const uint64_t kept_of_8 = rng() % 9;
    for (const auto& c : unsynced_)
      if (rng() % 8 < kept_of_8)
        make_durable(c);
    // The size may have been written without the bytes: a tail of zeros.
    if (durable_.size() < cached_.size() && rng() % 4 == 0)
      durable_.resize(cached_.size(), '\0');
  }
  unsynced_.clear();
  cached_ = durable_;
}

void sim_file_content::flip_bit(uint64_t byte, unsigned bit) {
  const auto mask = static_cast<char>(1u << (bit % 8));
  if (byte < cached_.size())
    cached_[byte] = static_cast<char>(cached_[byte] ^ mask);
  if (byte < durable_.size())
    durable_[byte] = static_cast<char>(durable_[byte] ^ mask);
  // A later sync writes what is in memory.
  for (auto& c : unsynced_)
    if (!c.is_truncation && byte >= c.position
        && byte - c.position < c.image.size())
      c.image[byte - c.position]
        = static_cast<char>(c.image[byte - c.position] ^ mask);
}

void sim_file_content::overwrite(uint64_t position, std::string_view bytes) {
  for (auto* place : {&cached_, &durable_})
    if (position < place->size())
      place->replace(position,
        std::min<uint64_t>(bytes.size(), place->size() - position),
        bytes.substr(0, place->size() - position));
}

} // namespace millrace
