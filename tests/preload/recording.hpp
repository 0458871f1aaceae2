#pragma once

// The recorder's file, read back: every call with its bytes, in the order in
// which the calls began and ended. Places in that order are the time of this
// test: "before place 42" is what was so when entry 42 had just been written.

#include "schema/result.hpp"
#include "tests/preload/recorder_format.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::preload {

/// A place that never comes.
inline constexpr size_t never = SIZE_MAX;

struct recorded_entry {
  entry_head head;
  std::string_view path;       ///< of a beginning; a rename's first
  std::string_view other_path; ///< where a rename leads
  std::string_view data;
  size_t partner = never; ///< of a beginning: its end; of an end: its beginning

  [[nodiscard]] bool begins() const {
    return head.phase == call_phase::begin;
  }
};

class recording {
public:
  /// Reads what recorder.hpp wrote. An entry that is cut at the end of the
  /// file is left out: the process was killed while it wrote. Errors:
  /// not_found, corrupt.
  static result<recording> read(const std::string& path);
  /// The same from memory.
  static result<recording> parse(std::string content);

  recording(recording&&) = default;
  recording& operator=(recording&&) = default;

  [[nodiscard]] const std::vector<recorded_entry>& entries() const {
    return entries_;
  }
  /// What the call that begins at `place` returned; -1 if it never did.
  [[nodiscard]] int64_t result_of(size_t place) const;

private:
  recording() = default;

  std::vector<char> content_; // the entries look into it; moving keeps it
  std::vector<recorded_entry> entries_;
};

} // namespace millrace::preload
