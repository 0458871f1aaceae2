#pragma once

// What is on its way to a socket: bytes that were encoded, with records kept
// out of them and sent from where they lie.

#include "schema/file_slice.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace millrace {

/// A sequence of bytes to send: `bytes`, with inserts between them.
struct outgoing {
  /// Sent just before bytes[at]; `bytes` first, then `slice`.
  struct insert {
    size_t at = 0;
    shared_bytes bytes;
    file_slice slice;

    [[nodiscard]] size_t size() const {
      return bytes.size() + slice.size;
    }
  };

  std::string bytes;
  /// Ordered by `at`; those with the same `at` go in the order given.
  std::vector<insert> inserts;

  /// Everything that will be sent, the inserts included.
  [[nodiscard]] size_t size() const;
};

/// The whole sequence as one string, file slices read from their files.
///
/// For tests, tools and small replies: it copies all.
/// Errors: what the slices' sources return; truncated when a file has ended
/// before its slice.
[[nodiscard]] result<std::string> flatten(const outgoing& out);

} // namespace millrace
