#pragma once

// Open files by path, the least recently used one closed first: partitions
// may outnumber descriptors. A file that is being sent or has unsynced bytes
// is held by its users and outlives its place here.

#include "storage/file.hpp"

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace millrace {

/// Shared by all logs of a node; may be called from any thread.
class file_cache {
public:
  static constexpr size_t default_capacity = 1024;

  explicit file_cache(file_system& files, size_t capacity = default_capacity);

  /// The open file of `path`, opened for reading and writing when it is not
  /// here. Errors: those of file_system::open; errc::not_found if missing.
  result<std::shared_ptr<file>> open(const std::string& path);

  /// Like open(), but makes the file, or empties it.
  result<std::shared_ptr<file>> create(const std::string& path);

  /// Forgets `path` (before a rename or removal); holders keep theirs.
  void forget(const std::string& path);

  [[nodiscard]] size_t size() const;
  [[nodiscard]] file_system& files() const {
    return files_;
  }

private:
  struct entry {
    std::string path;
    std::shared_ptr<file> handle;
  };

  void put(const std::string& path, const std::shared_ptr<file>& handle);

  file_system& files_;
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::list<entry> recent_; // the front was used last
  std::unordered_map<std::string_view, std::list<entry>::iterator> by_path_;
};

} // namespace millrace
