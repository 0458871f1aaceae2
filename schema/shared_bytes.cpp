#include "schema/shared_bytes.hpp"

#include "schema/assert.hpp"

#include <cstring>
#include <new>
#include <utility>

namespace millrace {

shared_bytes::shared_bytes(const shared_bytes& other) noexcept
    : block_(other.block_), data_(other.data_), size_(other.size_) {
  if (block_ != nullptr)
    block_->count.fetch_add(1, std::memory_order_relaxed);
}

shared_bytes::shared_bytes(shared_bytes&& other) noexcept
    : block_(std::exchange(other.block_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

shared_bytes& shared_bytes::operator=(shared_bytes other) noexcept {
  std::swap(block_, other.block_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

shared_bytes::~shared_bytes() {
  if (block_ == nullptr)
    return;
  if (block_->count.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  block_->~block();
  ::operator delete(block_, std::align_val_t{16});
}

shared_bytes shared_bytes::allocate(size_t size) {
  void* raw = ::operator new(header_size + size, std::align_val_t{16});
  auto* b = new (raw) block;
  b->size = size;
  return {b, static_cast<std::byte*>(raw) + header_size, size};
}

shared_bytes shared_bytes::copy_of(std::span<const std::byte> bytes) {
  auto copy = allocate(bytes.size());
  if (!bytes.empty())
    std::memcpy(copy.data_, bytes.data(), bytes.size());
  return copy;
}

shared_bytes shared_bytes::copy_of(std::string_view text) {
  return copy_of(std::as_bytes(std::span{text.data(), text.size()}));
}

shared_bytes shared_bytes::slice(size_t begin, size_t size) const {
  MILLRACE_ASSERT(
    begin <= size_ && size <= size_ - begin, "a slice lies within its whole");
  auto part = *this;
  part.data_ += begin;
  part.size_ = size;
  return part;
}

bool shared_bytes::unique() const noexcept {
  return block_ == nullptr
         || block_->count.load(std::memory_order_acquire) == 1;
}

size_t shared_bytes::block_size() const noexcept {
  return block_ == nullptr ? 0 : block_->size;
}

bool operator==(const shared_bytes& a, const shared_bytes& b) {
  return a.text() == b.text();
}

} // namespace millrace
