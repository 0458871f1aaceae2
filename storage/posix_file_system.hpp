#pragma once

// The real file system: POSIX calls, and errno told as an errc with a
// context that names the path and what the system said.

#include "storage/file.hpp"

namespace millrace {

/// Has no state: any number of threads may share one.
class posix_file_system : public file_system {
public:
  result<std::shared_ptr<file>> open(
    const std::string& path, open_mode mode) override;
  result<void> make_directory(const std::string& path) override;
  result<void> rename(const std::string& from, const std::string& to) override;
  result<void> remove(const std::string& path) override;
  result<void> sync_directory(const std::string& path) override;
  result<std::unique_ptr<volume_sync>> open_volume(
    const std::string& path) override;
  result<std::vector<directory_entry>> list(const std::string& path) override;
  [[nodiscard]] bool exists(const std::string& path) override;
  result<space_info> space(const std::string& path) override;
  /// Takes an flock on `path`/.lock, which holds this process's id. It goes
  /// with the process, however that ends; the file stays.
  result<std::unique_ptr<directory_lock>> lock(
    const std::string& path) override;
};

/// The code for an errno.
[[nodiscard]] errc errc_of_errno(int code);

/// `path: what: No such file or directory`, with the code of `code`.
[[nodiscard]] error posix_error(
  int code, const std::string& path, const char* what);

} // namespace millrace
