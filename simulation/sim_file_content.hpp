#pragma once

// The bytes of one simulated file: what the page cache shows, what the disk
// holds, and the changes between the two, 512 bytes at a time, of which a
// crash keeps what it likes.

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// What a crash does with everything that was not synced.
enum class crash_policy : uint8_t {
  lose_unsynced,
  keep_unsynced,
  random_subset, ///< each block and each name for itself
};

/// A block that was written twice may come out of a crash as the disk had it,
/// as the first write left it or as the second did; a write may be torn at
/// each multiple of 512 bytes (a sector is written whole or not at all).
class sim_file_content {
public:
  static constexpr uint64_t block_bytes = 512;

  void write(uint64_t position, std::span<const std::byte> bytes);
  void truncate(uint64_t size);
  /// Everything so far is on disk.
  void sync();
  /// The sync failed: the pages count as clean, reads go on showing them,
  /// and the disk stays old, whatever later syncs say (R6).
  void sync_failed();
  /// From `from` on the page cache shows what the disk has. Precondition:
  /// nothing unsynced.
  void drop_cache(uint64_t from);
  /// Reads what the page cache shows; fewer bytes only at the end.
  size_t read(uint64_t position, std::span<std::byte> into) const;
  /// The page cache is gone; the disk has what `policy` left of it.
  void crash(crash_policy policy, std::mt19937_64& rng);
  /// Flips one bit in the page cache and on the disk.
  void flip_bit(uint64_t byte, unsigned bit);
  /// Puts these bytes into the page cache and on the disk, as far as there is
  /// a place for them. Precondition: nothing unsynced.
  void overwrite(uint64_t position, std::string_view bytes);

  [[nodiscard]] uint64_t size() const {
    return cached_.size();
  }
  [[nodiscard]] const std::string& cached() const {
    return cached_;
  }
  [[nodiscard]] const std::string& durable() const {
    return durable_;
  }

private:
  // One block as the page cache had it after a write, or a truncation.
  struct change {
    bool is_truncation;
    uint64_t position; // of the block; the new size of a truncation
    std::string image;
  };

  void make_durable(const change& c);

  std::string cached_;
  std::string durable_;
  std::vector<change> unsynced_;
};

} // namespace millrace
