#pragma once

// One open file of the real file system.

#include "storage/file.hpp"

namespace millrace {

/// Owns a descriptor.
class posix_file : public file {
public:
  /// Takes the descriptor over; `path` is for the errors' contexts.
  posix_file(int descriptor, std::string path, uint64_t device);
  ~posix_file() override;
  posix_file(const posix_file&) = delete;
  posix_file& operator=(const posix_file&) = delete;

  using file::write_at;
  result<void> write_at(uint64_t position,
    std::span<const std::span<const std::byte>> parts) override;
  result<void> sync() override;
  result<void> drop_cache(uint64_t from) override;
  [[nodiscard]] uint64_t device() const override;
  result<void> truncate(uint64_t size) override;
  result<void> reserve(uint64_t position, uint64_t size) override;
  [[nodiscard]] result<uint64_t> size() const override;
  /// Asks the page cache by reading a byte of each of the range's ends and of
  /// every 128 KiB between, without waiting (RWF_NOWAIT); a file system that
  /// cannot tell is taken at "not resident".
  [[nodiscard]] bool resident(uint64_t position, uint64_t size) const override;
  [[nodiscard]] int descriptor() const override;
  [[nodiscard]] result<size_t> read_at(
    uint64_t position, std::span<std::byte> into) const override;

private:
  int descriptor_;
  std::string path_;
  uint64_t device_;
};

} // namespace millrace
