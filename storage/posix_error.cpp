#include "storage/posix_file_system.hpp"

#include <cerrno>
#include <system_error>

namespace millrace {

errc errc_of_errno(int code) {
  switch (code) {
  case ENOSPC:
  case EDQUOT:
    return errc::out_of_space;
  case EMFILE:
  case ENFILE:
    return errc::out_of_handles;
  case EACCES:
  case EPERM:
  case EROFS:
    return errc::permission;
  case ENOENT:
    return errc::not_found;
  case EEXIST:
  case ENOTEMPTY:
    return errc::already_exists;
  case EFBIG:
  case ENAMETOOLONG:
    return errc::too_large;
  case EINVAL:
  case ENOTDIR:
  case EISDIR:
    return errc::invalid_argument;
  default:
    return errc::io_error;
  }
}

error posix_error(int code, const std::string& path, const char* what) {
  // strerror() is not safe with threads; generic_category() is.
  return {errc_of_errno(code),
    path + ": " + what + ": " + std::generic_category().message(code)};
}

} // namespace millrace
