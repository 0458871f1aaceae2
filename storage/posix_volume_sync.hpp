#pragma once

// syncfs(2), where the kernel tells its errors.

#include "storage/file.hpp"

namespace millrace {

/// Owns a descriptor of a directory, whose place in the kernel's sequence of
/// write errors is what run() reports from.
class posix_volume_sync : public volume_sync {
public:
  /// Whether syncfs() reports failed writes: Linux from 5.8 on.
  [[nodiscard]] static bool supported();

  /// Takes the descriptor over; `path` is for the errors' contexts.
  posix_volume_sync(int descriptor, std::string path, uint64_t device);
  ~posix_volume_sync() override;
  posix_volume_sync(const posix_volume_sync&) = delete;
  posix_volume_sync& operator=(const posix_volume_sync&) = delete;

  [[nodiscard]] uint64_t device() const override;
  result<void> run() override;

private:
  int descriptor_;
  std::string path_;
  uint64_t device_;
};

} // namespace millrace
