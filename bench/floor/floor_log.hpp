#pragma once

// The floor's log: a file for each partition and the position of each batch,
// nothing else.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace millrace::bench {

class floor_log {
public:
  /// Begins with an empty file.
  explicit floor_log(const std::string& path);
  ~floor_log();
  floor_log(const floor_log&) = delete;
  floor_log& operator=(const floor_log&) = delete;

  /// Checks the checksum, gives the batch its offset, writes it with one
  /// call. Returns the offset of its first record. A wrong batch ends the
  /// program.
  int64_t append(std::span<std::byte> batch);
  /// Blocks until all is on disk.
  void sync();

  /// From the batch that begins at `from` to the end, `bytes_max` at most.
  struct range {
    int64_t position = 0;
    int64_t size = 0;
  };
  [[nodiscard]] range find(int64_t from, int64_t bytes_max) const;

  [[nodiscard]] int64_t end() const {
    return end_;
  }
  [[nodiscard]] int descriptor() const {
    return descriptor_;
  }
  /// Whether something was written since the last sync().
  [[nodiscard]] bool dirty() const {
    return dirty_;
  }

private:
  int descriptor_;
  int64_t end_ = 0;
  int64_t size_ = 0;
  bool dirty_ = false;
  std::vector<std::pair<int64_t, int64_t>> positions_; // by base offset
};

/// The logs of all partitions, made when they are first named.
class floor_logs {
public:
  explicit floor_logs(std::string directory)
      : directory_(std::move(directory)) {}

  [[nodiscard]] floor_log& at(std::string topic, int32_t partition);

private:
  std::string directory_;
  std::map<std::pair<std::string, int32_t>, floor_log> logs_;
};

/// Prints the sentence and what the system said, and ends the program.
[[noreturn]] void fall_through(const char* what);

} // namespace millrace::bench
