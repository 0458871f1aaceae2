#pragma once

// Writes what stays of some segments as one new segment, beside them, under
// names that end in `.cleaned`. Batches that stay as they are go from the
// buffer that they were read into to the file, in runs.

#include "storage/batch_filter.hpp"
#include "storage/segment.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace {

inline constexpr std::string_view cleaned_suffix = ".cleaned";
inline constexpr std::string_view swap_suffix = ".swap";

class compaction_writer {
public:
  struct place {
    file_cache* cache = nullptr;
    std::string directory;
    offset base;
    int64_t created_ms = 0;
    int64_t index_interval_bytes = 4096;
  };
  explicit compaction_writer(place where);

  /// Makes the file. Errors: those of the file system, for all of these.
  result<void> open();

  /// What became of the next batch; its bytes must stay until write().
  void take(const batch_view& batch, const batch_filter::verdict& verdict);
  /// Writes what was taken since the last call.
  result<void> write();
  /// Writes the rest and the indexes, and makes them durable, but for their
  /// names. @param aborted those whose markers were in the segments
  result<segment> finish(std::span<const ended_transaction> aborted);
  /// Removes what was written.
  void discard();

  [[nodiscard]] uint64_t bytes_written() const {
    return made_.size;
  }
  /// Whether anything but the bytes that came would be there.
  [[nodiscard]] bool changed() const {
    return changed_;
  }

private:
  /// Of what is written next: in somebody's memory, or in own_.
  struct part {
    const std::byte* theirs = nullptr;
    size_t at = 0;
    size_t size = 0;
  };
  /// Offsets of which nothing is left, one behind the other.
  struct gap {
    offset first;
    offset last;
    leader_epoch epoch;
  };

  [[nodiscard]] std::string path_of(std::string_view kind) const;
  void drop(const batch_view& batch);
  void end_gap();
  void add_own(std::span<const std::byte> batch);
  void note(const batch_view& batch, size_t size);
  result<void> write_index(
    std::string_view kind, const result<std::shared_ptr<file>>& made);

  place where_;
  segment made_;
  std::shared_ptr<file> out_;
  uint64_t written_ = 0;
  std::vector<part> parts_;
  std::vector<std::byte> own_;
  std::optional<gap> gap_;
  bool changed_ = false;
};

} // namespace millrace
