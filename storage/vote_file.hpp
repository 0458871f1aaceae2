#pragma once

// The term and the vote of a member of a consensus group, in a file of their
// own (R23): two checksummed slots of 512 bytes, written in turn, so that a
// torn write leaves the one before. docs/formats/consensus-log.md shows the
// bytes.

#include "schema/types.hpp"
#include "storage/file.hpp"

namespace millrace {

/// Whom a member voted for in a term. A voter is a node and a directory: one
/// that lost its directory is another voter (R24).
struct vote {
  uint64_t term = 0;
  node_id voted_for{-1}; ///< -1: nobody yet
  uuid directory;        ///< of the node voted for

  friend bool operator==(const vote&, const vote&) = default;
};

/// Overwrites one preallocated kilobyte in place: storing waits for one sync
/// of a sector, and for no journal of the file system.
class vote_file {
public:
  /// Opens the file, or makes it with term 0. What it reads is synced before
  /// it is told (R5). errc::corrupt when no slot is whole: then the member
  /// cannot know whom it voted for and must not take part.
  static result<vote_file> open(file_system& files, const std::string& path);

  [[nodiscard]] const vote& current() const {
    return current_;
  }

  /// Durable when it returns without an error. After an error the file is
  /// offline and current() is what it was: the store may or may not be seen
  /// after a restart, so the member must not act on either (R6).
  /// Precondition: the term does not fall, and nobody votes twice in one.
  result<void> store(const vote& next);

private:
  vote_file() = default;

  std::string path_;
  std::shared_ptr<file> file_;
  vote current_;
  uint64_t sequence_ = 0;
  bool offline_ = false;
};

} // namespace millrace
