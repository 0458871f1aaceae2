#pragma once

// A slice of a reference-counted block of bytes: how record batches travel
// from a socket to a segment, and Cap'n Proto messages between actors,
// without a copy. No CAF in it.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace millrace {

/// A slice of a block. Copying it is one atomic increment; the block goes
/// with its last slice. Blocks start at multiples of 16 bytes, which suits
/// Cap'n Proto's in-place reading.
///
/// Whoever holds the only slices of a block may write to it; after it has
/// been handed to another thread it is read-only by convention.
class shared_bytes {
public:
  shared_bytes() = default;
  shared_bytes(const shared_bytes& other) noexcept;
  shared_bytes(shared_bytes&& other) noexcept;
  shared_bytes& operator=(shared_bytes other) noexcept;
  ~shared_bytes();

  /// A new block of `size` bytes, not initialized.
  [[nodiscard]] static shared_bytes allocate(size_t size);
  [[nodiscard]] static shared_bytes copy_of(std::span<const std::byte> bytes);
  [[nodiscard]] static shared_bytes copy_of(std::string_view text);

  /// Bytes [begin, begin + size) of this slice, sharing the block.
  /// Precondition: begin + size <= this->size().
  [[nodiscard]] shared_bytes slice(size_t begin, size_t size) const;

  [[nodiscard]] std::byte* data() const noexcept {
    return data_;
  }
  [[nodiscard]] size_t size() const noexcept {
    return size_;
  }
  [[nodiscard]] bool empty() const noexcept {
    return size_ == 0;
  }
  [[nodiscard]] std::span<const std::byte> span() const noexcept {
    return {data_, size_};
  }
  [[nodiscard]] std::span<std::byte> writable() const noexcept {
    return {data_, size_};
  }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_), size_};
  }
  /// Whether no other slice shares the block.
  [[nodiscard]] bool unique() const noexcept;
  /// The whole block's size, of which this slice keeps every byte alive.
  [[nodiscard]] size_t block_size() const noexcept;

private:
  struct block {
    std::atomic<uint32_t> count{1};
    size_t size = 0;
  };
  // The bytes follow the header at a multiple of 16.
  static constexpr size_t header_size = 32;
  static_assert(sizeof(block) <= header_size);

  shared_bytes(block* b, std::byte* data, size_t size) noexcept
      : block_(b), data_(data), size_(size) {}

  block* block_ = nullptr;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Compares contents.
[[nodiscard]] bool operator==(const shared_bytes& a, const shared_bytes& b);

} // namespace millrace
