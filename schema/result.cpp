#include "schema/result.hpp"

namespace millrace {

const char* to_string(errc code) {
  switch (code) {
  case errc::none:
    return "no error";
  case errc::io_error:
    return "input/output error";
  case errc::out_of_space:
    return "no space left";
  case errc::out_of_handles:
    return "no file descriptors left";
  case errc::not_found:
    return "not found";
  case errc::already_exists:
    return "exists already";
  case errc::permission:
    return "permission denied";
  case errc::locked:
    return "locked by another process";
  case errc::corrupt:
    return "corrupt";
  case errc::truncated:
    return "cut short";
  case errc::too_large:
    return "too large";
  case errc::unsupported:
    return "unsupported";
  case errc::invalid_argument:
    return "invalid argument";
  case errc::out_of_range:
    return "out of range";
  case errc::offline:
    return "offline";
  }
  return "unknown error";
}

std::string to_string(const error& e) {
  return e.context.empty() ? to_string(e.code)
                           : e.context + ": " + to_string(e.code);
}

} // namespace millrace
