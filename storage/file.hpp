#pragma once

// The one door to the file system. Production code gets a `file_system` from
// the node's environment: the real one (posix_file_system) or the simulated
// one, which keeps everything in memory and can lose unsynced bytes, tear
// writes, fail, fill up, be slow and flip bits.

#include "schema/file_slice.hpp"
#include "schema/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// An open file. Writing and syncing are each done by one thread at a time;
/// reading may go on in others meanwhile.
class file : public slice_source {
public:
  /// Writes all parts one after the other from `position`, as one gathered
  /// write where the system allows. Either all bytes are written to the page
  /// cache, or an error says why not (then any prefix may be there).
  virtual result<void> write_at(
    uint64_t position, std::span<const std::span<const std::byte>> parts)
    = 0;

  /// Makes every byte written so far durable (fdatasync, size included).
  /// After an error the file must not be written or synced again (R6).
  virtual result<void> sync() = 0;

  /// Syncs, and lets go of what memory holds of the file from `from` on, so
  /// that the next reads bring what is on the disk: after a failed sync the
  /// two may differ (R6). resident() tells whether the system did so.
  virtual result<void> drop_cache(uint64_t from) = 0;

  /// Equal for files of one file system that one volume_sync covers.
  [[nodiscard]] virtual uint64_t device() const = 0;

  virtual result<void> truncate(uint64_t size) = 0;

  /// Reserves space for [position, position + size) without changing size().
  virtual result<void> reserve(uint64_t position, uint64_t size) = 0;

  [[nodiscard]] virtual result<uint64_t> size() const = 0;

  /// Writes one part.
  result<void> write_at(uint64_t position, std::span<const std::byte> bytes) {
    return write_at(position, std::span{&bytes, 1});
  }
};

enum class open_mode : uint8_t {
  read,         ///< must exist
  read_write,   ///< must exist
  create,       ///< read and write; made when missing
  create_fresh, ///< read and write; made, or emptied
};

struct directory_entry {
  std::string name;
  bool is_directory = false;
  uint64_t size = 0;
};

struct space_info {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;
};

/// Held as long as the object lives; goes with the process.
class directory_lock {
public:
  virtual ~directory_lock() = default;
};

/// Syncs a whole file system at once (syncfs): with many dirty files much
/// cheaper than one after the other, as the file system's journal is written
/// once. Each object belongs to one thread, and has to be opened before the
/// writes that it is to answer for.
class volume_sync {
public:
  virtual ~volume_sync() = default;

  /// As file::device() of the files that are covered.
  [[nodiscard]] virtual uint64_t device() const = 0;

  /// Makes every byte and name durable that was there before the call. An
  /// error says that some file of the volume, whosever it is, could not be
  /// written since the last call; each file has to be synced for itself then,
  /// and this object is of no more use: the system tells an error once (R6).
  virtual result<void> run() = 0;
};

/// Names are paths as POSIX writes them. A creation, rename or removal is
/// durable only after sync_directory() of the directory that holds the name.
/// Every error's context names the path.
class file_system {
public:
  virtual ~file_system() = default;

  virtual result<std::shared_ptr<file>> open(
    const std::string& path, open_mode mode)
    = 0;
  /// Makes the directory and its parents; no error if it is there.
  virtual result<void> make_directory(const std::string& path) = 0;
  /// Replaces `to` if it is there.
  virtual result<void> rename(const std::string& from, const std::string& to)
    = 0;
  /// A file or an empty directory; errc::not_found if it is not there.
  virtual result<void> remove(const std::string& path) = 0;
  virtual result<void> sync_directory(const std::string& path) = 0;
  /// For the file system that holds the directory. A null pointer where the
  /// system has no such thing, or one that keeps errors to itself.
  virtual result<std::unique_ptr<volume_sync>> open_volume(
    const std::string& path)
    = 0;
  /// Sorted by name.
  virtual result<std::vector<directory_entry>> list(const std::string& path)
    = 0;
  [[nodiscard]] virtual bool exists(const std::string& path) = 0;
  virtual result<space_info> space(const std::string& path) = 0;
  /// errc::locked when another process (or another lock of this one) has it.
  virtual result<std::unique_ptr<directory_lock>> lock(const std::string& path)
    = 0;
};

/// Reads a whole file. errc::too_large above `size_max` bytes.
result<std::string> read_file(
  file_system& files, const std::string& path, size_t size_max = 64u << 20);

/// Replaces a file durably: writes `path`.tmp, syncs it, renames it, syncs
/// the directory. A crash leaves the old content or the new.
result<void> replace_file(
  file_system& files, const std::string& path, std::string_view content);

/// `a/b` of `a/b/c`; `.` of a bare name; `/` of `/a`.
std::string parent_directory(const std::string& path);

/// Makes a directory and its parents, and syncs every directory that got a
/// new name thereby, so that it is there after a crash.
result<void> make_directory_durable(
  file_system& files, const std::string& path);

/// Removes a file, or a directory and all below it. errc::not_found if it is
/// not there.
result<void> remove_tree(file_system& files, const std::string& path);

} // namespace millrace
