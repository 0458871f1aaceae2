#pragma once

// Offsets of a log that were durable once and cannot be read any more (R10).
// Readers of them are refused, and they are not given again. They are kept in
// `millrace.lost-ranges` beside the segments, as the bytes themselves tell
// nothing: docs/formats/segment-files.md.

#include "schema/result.hpp"
#include "schema/types.hpp"
#include "storage/file.hpp"

#include <optional>
#include <string>
#include <vector>

namespace millrace {

class lost_ranges {
public:
  /// Offsets that cannot be read, and where reading goes on.
  struct hole {
    offset first;
    offset end;
    offset segment_base;
    uint64_t resume_position = 0;
  };

  /// Reads what save() wrote; without a file nothing is lost. errc::corrupt
  /// if the file is not what the format asks for.
  result<void> load(file_system& files, const std::string& directory);
  /// Replaces the file; durable on return. Errors: those of the file system.
  result<void> save(file_system& files, const std::string& directory) const;

  /// False if all of it was known. A smaller hole within it is forgotten.
  bool add(const hole& h);
  /// Forgets the holes that reach above `end`, where the log ends now: those
  /// offsets are given again. Whether there were any.
  bool truncate_to(offset end);
  /// Forgets what lies below `start`.
  void advance_start(offset start);

  /// The hole that `at` is in, or null; valid until the next change.
  [[nodiscard]] const hole* holding(offset at) const;
  /// Where the first hole above `from` begins, if that is below `limit`;
  /// otherwise `limit`.
  [[nodiscard]] offset next_above(offset from, offset limit) const;
  /// Where the first hole begins; nullopt if nothing is lost.
  [[nodiscard]] std::optional<offset> first() const;
  /// Where to begin to look in the segment for `from`, which no hole holds.
  [[nodiscard]] uint64_t floor_for(offset from, offset segment_base) const;
  /// Whether a walk through the segment meets bytes that are no batch.
  [[nodiscard]] bool interrupt(offset segment_base) const;

private:
  std::vector<hole> holes_;
};

} // namespace millrace
