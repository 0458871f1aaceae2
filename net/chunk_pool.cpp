#include "net/chunk_pool.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

chunk_pool::chunk_pool(size_t chunk_bytes, size_t idle_chunks_max)
    : chunk_bytes_(chunk_bytes),
      idle_chunks_max_(std::max<size_t>(idle_chunks_max, 1)) {
  MILLRACE_ASSERT(chunk_bytes >= 16, "a chunk holds at least a few bytes");
}

std::span<std::byte> chunk_pool::free_space() {
  if (chunks_.empty())
    next_chunk(); // NOLINT(bugprone-branch-clone): asked in this order
  // Nobody holds a slice of it: start again, where the cache is warm.
  else if (chunks_[current_].unique())
    used_ = 0;
  else if (chunk_bytes_ - used_ < chunk_bytes_ / 4)
    next_chunk();
  return chunks_[current_].writable().subspan(used_);
}

shared_bytes chunk_pool::take(size_t size) {
  MILLRACE_ASSERT(!chunks_.empty() && size <= chunk_bytes_ - used_,
    "only what was prepared is taken");
  auto taken = chunks_[current_].slice(used_, size);
  used_ += size;
  return taken;
}

void chunk_pool::next_chunk() {
  used_ = 0;
  for (size_t i = 0; i < chunks_.size(); ++i) {
    if (chunks_[i].unique()) {
      current_ = i;
      return;
    }
  }
  if (chunks_.size() < idle_chunks_max_) {
    chunks_.push_back(shared_bytes::allocate(chunk_bytes_));
    current_ = chunks_.size() - 1;
    return;
  }
  // All are in use: let go of one, which lives on in its slices.
  current_ = (current_ + 1) % chunks_.size();
  chunks_[current_] = shared_bytes::allocate(chunk_bytes_);
}

} // namespace millrace
