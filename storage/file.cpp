#include "storage/file.hpp"

namespace millrace {

result<std::string> read_file(
  file_system& files, const std::string& path, size_t size_max) {
  auto opened = files.open(path, open_mode::read);
  if (!opened)
    return opened.error();
  auto size = (*opened)->size();
  if (!size)
    return size.error();
  if (*size > size_max)
    return error{errc::too_large, path + ": " + std::to_string(*size)
                                    + " bytes; at most "
                                    + std::to_string(size_max) + " are read"};
  std::string content(*size, '\0');
  auto got = (*opened)->read_at(0, std::as_writable_bytes(std::span{content}));
  if (!got)
    return got.error();
  content.resize(*got);
  return content;
}

result<void> replace_file(
  file_system& files, const std::string& path, std::string_view content) {
  const auto fresh = path + ".tmp";
  {
    auto opened = files.open(fresh, open_mode::create_fresh);
    if (!opened)
      return opened.error();
    MILLRACE_TRY((*opened)->write_at(0, std::as_bytes(std::span{content})));
    MILLRACE_TRY((*opened)->sync());
  }
  MILLRACE_TRY(files.rename(fresh, path));
  return files.sync_directory(parent_directory(path));
}

std::string parent_directory(const std::string& path) {
  const auto last = path.find_last_not_of('/');
  if (last == std::string::npos)
    return path.empty() ? "." : "/";
  const auto slash = path.find_last_of('/', last);
  if (slash == std::string::npos)
    return ".";
  const auto end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

result<void> make_directory_durable(
  file_system& files, const std::string& path) {
  // The parent is synced even when the directory is there: an earlier try may
  // have been cut short between the two.
  const auto parent = parent_directory(path);
  const bool there = files.exists(path);
  if (!files.exists(parent) && parent != path)
    MILLRACE_TRY(make_directory_durable(files, parent));
  MILLRACE_TRY(files.make_directory(path));
  auto synced = files.sync_directory(parent);
  // Somebody else's parent (of a mount point, say) need not let us in.
  if (!synced && there && synced.error().code == errc::permission)
    return {};
  return synced;
}

result<void> remove_tree(file_system& files, const std::string& path) {
  auto removed = files.remove(path);
  if (removed || removed.error().code != errc::already_exists)
    return removed;
  // A directory that is not empty.
  auto entries = files.list(path);
  if (!entries)
    return entries.error();
  for (const auto& entry : *entries)
    MILLRACE_TRY(remove_tree(files, path + "/" + entry.name));
  return files.remove(path);
}

} // namespace millrace
