#pragma once

// A range of a file that is decided now and sent later: how the records of a
// fetch reach the socket without passing through memory (R18).

#include "schema/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace millrace {

/// Something that a file slice may be read from: a real file, or its twin.
class slice_source {
public:
  virtual ~slice_source() = default;
  /// The descriptor to give to sendfile(2), or -1 where there is none and
  /// read_at() must be used. Valid while the object lives.
  [[nodiscard]] virtual int descriptor() const = 0;
  /// Reads up to `into.size()` bytes at `position`; fewer only at the end.
  [[nodiscard]] virtual result<size_t> read_at(
    uint64_t position, std::span<std::byte> into) const
    = 0;
  /// Whether [position, position + size) is in memory, so that sending it
  /// will not wait for the disk.
  [[nodiscard]] virtual bool resident(uint64_t position, uint64_t size) const
    = 0;
};

/// `size` bytes of `source` at `position`, fixed when the fetch is decided.
struct file_slice {
  std::shared_ptr<const slice_source> source;
  uint64_t position = 0;
  uint32_t size = 0;
};

} // namespace millrace
