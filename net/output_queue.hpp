#pragma once

// What one connection still has to send, and the system calls that send it:
// encoded bytes gathered into one sendmsg(2), file slices by sendfile(2).

#include "schema/outgoing.hpp"
#include "schema/result.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

class tls_stream;

/// How far output_queue::write() came.
struct write_progress {
  size_t bytes = 0;
  bool socket_full = false; ///< wait until it is writable
};

/// A queue of `outgoing`s with a cursor. An empty queue has no memory to
/// speak of.
class output_queue {
public:
  /// Appends `out`. Small ones without inserts are joined, which is cheaper
  /// than a piece of their own in the system call.
  void push(outgoing out);

  /// Sends to `socket` until the queue is empty, the socket is full, or about
  /// `bytes_max` have been sent.
  ///
  /// `scratch` is used to copy file slices whose source has no descriptor.
  /// Errors: truncated when a file ends before its slice (R18: the stream
  /// cannot be continued), io_error, and what a source's read_at() returns.
  /// After an error the connection must be closed.
  [[nodiscard]] result<write_progress> write(
    int socket, size_t bytes_max, std::span<std::byte> scratch);

  /// As write(), into the records of `tls`, which do not leave yet: at most
  /// about `bytes_max` bytes, so that they do not pile up. Returns the bytes.
  [[nodiscard]] result<size_t> encrypt(
    tls_stream& tls, size_t bytes_max, std::span<std::byte> scratch);

  /// Drops everything.
  void clear();

  [[nodiscard]] bool empty() const {
    return bytes_ == 0;
  }
  [[nodiscard]] size_t size() const {
    return bytes_;
  }

private:
  // What comes next at a cursor: bytes in memory, or a slice of a file.
  struct piece {
    std::span<const std::byte> bytes;
    const file_slice* slice = nullptr;
    size_t slice_done = 0;

    [[nodiscard]] size_t size() const {
      return slice == nullptr ? bytes.size() : slice->size - slice_done;
    }
  };
  struct cursor {
    size_t item = 0;
    size_t text = 0;   // into outgoing::bytes
    size_t insert = 0; // index
    size_t done = 0;   // into that insert
  };
  struct sent {
    size_t bytes = 0;
    bool full = false;
  };

  [[nodiscard]] bool peek(cursor& at, piece& next) const;
  void step(cursor& at, size_t bytes) const;
  void advance(size_t bytes);
  [[nodiscard]] result<sent> write_bytes(int socket, size_t bytes_max);
  [[nodiscard]] result<sent> write_slice(int socket, const piece& next,
    size_t bytes_max, std::span<std::byte> scratch) const;

  std::vector<outgoing> items_;
  cursor at_;
  size_t bytes_ = 0;
};

} // namespace millrace
