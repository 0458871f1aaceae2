#pragma once

// The line on a terminal that says how far a command has come.

#include <cstdint>
#include <string>

namespace millrace::cli {

/// Rewrites one line of stderr, four times a second at most, and only where
/// stderr is a terminal and stdout is not the same one's scrolling text.
class progress {
public:
  /// @param verb what is done: `wrote`, `read`
  /// @param enabled false turns it off, as --quiet does
  progress(std::string verb, bool enabled);
  /// Leaves the line as it is, with its end.
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// @param records, bytes since the beginning
  void show(int64_t records, int64_t bytes);

private:
  void write(int64_t now_ms);

  std::string verb_;
  bool enabled_;
  bool shown_ = false;
  int64_t began_ms_;
  int64_t due_ms_;
  int64_t records_ = 0;
  int64_t bytes_ = 0;
};

/// `wrote 12000 records, 3.4 MB, 6.8 MB/s`. A MB is a million bytes.
[[nodiscard]] std::string progress_text(
  const std::string& verb, int64_t records, int64_t bytes, int64_t elapsed_ms);

} // namespace millrace::cli
