#include "net/system_error.hpp"

#include <cerrno>
#include <system_error>

namespace millrace {

namespace {

errc code_of(int number) {
  switch (number) {
  case EMFILE:
  case ENFILE:
    return errc::out_of_handles;
  case EACCES:
  case EPERM:
    return errc::permission;
  case EADDRINUSE:
    return errc::already_exists;
  case EADDRNOTAVAIL:
  case EAFNOSUPPORT:
    return errc::invalid_argument;
  default:
    return errc::io_error;
  }
}

} // namespace

std::string system_sentence(int number) {
  return std::generic_category().message(number);
}

error system_error_of(int number, std::string_view what) {
  return {code_of(number), std::string{what} + ": " + system_sentence(number)};
}

} // namespace millrace
