#pragma once

// The record that the preloaded recorder appends to, and the checker reads:
// one entry when a call begins, another one when it has returned. The order
// of the file is the order of time: an entry of a beginning is there before
// the call is made, one of an end only after it has returned.

#include <cstdint>

namespace millrace::preload {

enum class call_kind : uint8_t {
  process,    ///< a program starts: descriptors of before mean nothing
  open,       ///< path; flags
  close,      ///< recorded before the call only
  duplicate,  ///< other is the new descriptor
  write,      ///< position, data
  truncate,   ///< position is the new size
  allocate,   ///< flags is fallocate's mode; position, size
  sync,       ///< fsync, fdatasync, msync
  sync_all,   ///< sync, syncfs
  rename,     ///< path, 0, path
  link,       ///< path, 0, path
  unlink,     ///< path; directories too
  mkdir,      ///< path
  map_shared, ///< a file mapped for writing: what is written is not seen
  accept,     ///< a connection; recorded after the call only
  send,       ///< data
  receive,    ///< data; recorded after the call only
  send_file,  ///< other is the file; position, size
};

enum class call_phase : uint8_t { begin, end };

/// The head of an entry, in the byte order of the machine. `path_bytes` of
/// path and then `data_bytes` of data follow.
struct entry_head {
  static constexpr uint32_t magic_value = 0x6c6c696d;

  uint32_t magic = magic_value;
  call_kind kind{};
  call_phase phase{};
  uint16_t path_bytes = 0;
  uint64_t call = 0; ///< pairs a beginning with its end in one process
  int32_t descriptor = -1;
  int32_t other = -1;
  int64_t flags = 0;
  int64_t position = 0;
  int64_t size = 0;
  int64_t result = 0; ///< of an end: what the call returned
  uint32_t data_bytes = 0;
  uint32_t unused = 0;
};
static_assert(sizeof(entry_head) == 64);

/// The record's file; without it nothing is recorded.
inline constexpr const char* record_variable = "MILLRACE_RECORD";
/// The directory, an absolute path without `.` or `..`, below which files
/// are recorded.
inline constexpr const char* root_variable = "MILLRACE_RECORD_ROOT";

} // namespace millrace::preload
