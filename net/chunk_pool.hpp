#pragma once

// The read buffers of one event loop, shared by all its connections: a read
// goes behind what was read last, frames are slices of the chunk, and a chunk
// is used again when nobody holds a slice of it any more. So an idle
// connection needs no buffer, and a lone request finds its chunk in the cache.

#include "schema/shared_bytes.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace millrace {

/// Hands out the free end of a chunk. One per loop; not thread-safe, though
/// the slices may be released on any thread.
///
/// Whoever keeps a small frame for long should copy it: a slice keeps its
/// whole chunk from being used again.
class chunk_pool {
public:
  /// @param chunk_bytes size of a chunk, which bounds what one read brings
  /// @param idle_chunks_max chunks kept for reuse; when all are in use, more
  /// are made, which go with their last slice
  explicit chunk_pool(
    size_t chunk_bytes = 256 * 1024, size_t idle_chunks_max = 32);

  /// The free end of the current chunk, at least a quarter of a chunk long.
  /// Two calls without take() between them may return the same bytes: the
  /// span is to be read into and taken from before anyone else prepares.
  [[nodiscard]] std::span<std::byte> free_space();

  /// Makes the first `size` bytes of the span last returned the caller's.
  /// Precondition: size <= that span's size.
  [[nodiscard]] shared_bytes take(size_t size);

  /// Chunks that the pool knows, in use or not; at most idle_chunks_max.
  [[nodiscard]] size_t chunk_count() const {
    return chunks_.size();
  }

private:
  void next_chunk();

  size_t chunk_bytes_;
  size_t idle_chunks_max_;
  std::vector<shared_bytes> chunks_;
  size_t current_ = 0;
  size_t used_ = 0;
};

} // namespace millrace
