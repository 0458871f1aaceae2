#pragma once

// Ordered, durable key-value maps for *images*: the state that a log's
// records produce, with the log offset up to which it is applied, so that a
// restart reads the image and replays only the tail. Never read on a request.
// Real: LMDB. Simulated: an ordered map with committed generations.

#include "schema/result.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace millrace {

/// One environment with one writer. All calls come from one thread.
class image_store {
public:
  virtual ~image_store() = default;

  /// Starts the write transaction. Precondition: none is open.
  virtual result<void> begin() = 0;
  /// Keys hold 1 to 500 bytes (LMDB's bound is 511: R22).
  virtual result<void> put(std::string_view key, std::string_view value) = 0;
  /// No error if the key is not there.
  virtual result<void> erase(std::string_view key) = 0;
  /// Erases every key that starts with `prefix`.
  virtual result<void> erase_prefix(std::string_view prefix) = 0;
  /// Makes the transaction durable, or leaves the last commit.
  virtual result<void> commit() = 0;
  /// Drops the open transaction, if any.
  virtual void abort() = 0;

  /// Calls `visit` for each committed key that starts with `prefix`, in order
  /// of the keys' bytes, until it returns false. The views last for the call.
  virtual result<void> scan(std::string_view prefix,
    const std::function<bool(std::string_view key, std::string_view value)>&
      visit)
    = 0;
};

} // namespace millrace
