#pragma once

// A file descriptor that is closed when its owner goes.

#include <utility>

namespace millrace {

/// Owns a descriptor, or none (-1).
class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    reset();
  }

  [[nodiscard]] int get() const {
    return fd_;
  }
  [[nodiscard]] bool valid() const {
    return fd_ >= 0;
  }
  /// Gives the descriptor away without closing it.
  [[nodiscard]] int release() {
    return std::exchange(fd_, -1);
  }
  /// Closes it now.
  void reset();

private:
  int fd_ = -1;
};

} // namespace millrace
