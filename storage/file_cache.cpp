#include "storage/file_cache.hpp"

namespace millrace {

file_cache::file_cache(file_system& files, size_t capacity)
    : files_(files), capacity_(capacity) {
  MILLRACE_ASSERT(capacity > 0, "a cache of files holds one at least");
}

result<std::shared_ptr<file>> file_cache::open(const std::string& path) {
  const std::lock_guard guard{mutex_};
  if (auto found = by_path_.find(path); found != by_path_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->handle;
  }
  auto opened = files_.open(path, open_mode::read_write);
  if (opened)
    put(path, *opened);
  return opened;
}

result<std::shared_ptr<file>> file_cache::create(const std::string& path) {
  forget(path);
  const std::lock_guard guard{mutex_};
  auto opened = files_.open(path, open_mode::create_fresh);
  if (opened)
    put(path, *opened);
  return opened;
}

void file_cache::forget(const std::string& path) {
  const std::lock_guard guard{mutex_};
  if (auto found = by_path_.find(path); found != by_path_.end()) {
    const auto entry = found->second;
    by_path_.erase(found);
    recent_.erase(entry);
  }
}

size_t file_cache::size() const {
  const std::lock_guard guard{mutex_};
  return recent_.size();
}

void file_cache::put(
  const std::string& path, const std::shared_ptr<file>& handle) {
  while (recent_.size() >= capacity_) {
    by_path_.erase(recent_.back().path);
    recent_.pop_back();
  }
  recent_.push_front({path, handle});
  by_path_.emplace(recent_.front().path, recent_.begin());
}

} // namespace millrace
