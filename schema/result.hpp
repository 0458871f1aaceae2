#pragma once

// What `storage/` and `schema/` return when the world may fail: a value, or
// an error with a code and a context that names the thing.

#include "schema/assert.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace millrace {

/// Why an operation on the outside failed. 0 is no error.
enum class errc : uint8_t {
  none,
  io_error,         ///< the device or the system refused; see the context
  out_of_space,     ///< ENOSPC, EDQUOT
  out_of_handles,   ///< EMFILE, ENFILE
  not_found,        ///< no such file, key, segment
  already_exists,   ///< the name is taken
  permission,       ///< EACCES, EPERM, EROFS
  locked,           ///< another process holds the data directory
  corrupt,          ///< bytes on disk or on the wire that cannot be right
  truncated,        ///< fewer bytes than the format needs
  too_large,        ///< above a limit; the context names it
  unsupported,      ///< a version or feature that this build does not know
  invalid_argument, ///< the caller's value makes no sense
  out_of_range,     ///< an offset outside the log
  offline,          ///< the log or directory failed before and is closed
};

[[nodiscard]] const char* to_string(errc code);

struct [[nodiscard]] error {
  errc code = errc::none;
  /// Names the thing: `segment 00000000000000000042.log, byte 8192: ...`.
  std::string context;
};

[[nodiscard]] std::string to_string(const error& e);

/// A T, or an error.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(millrace::error e) : state_(std::in_place_index<1>, std::move(e)) {}

  [[nodiscard]] bool ok() const {
    return state_.index() == 0;
  }
  explicit operator bool() const {
    return ok();
  }

  /// The value. Precondition: ok().
  T& value() & {
    MILLRACE_ASSERT(ok(), "a result's value is only read when it has one");
    return std::get<0>(state_);
  }
  const T& value() const& {
    MILLRACE_ASSERT(ok(), "a result's value is only read when it has one");
    return std::get<0>(state_);
  }
  T&& value() && {
    MILLRACE_ASSERT(ok(), "a result's value is only read when it has one");
    return std::get<0>(std::move(state_));
  }
  T& operator*() & {
    return value();
  }
  const T& operator*() const& {
    return value();
  }
  T* operator->() {
    return &value();
  }
  const T* operator->() const {
    return &value();
  }

  /// The error. Precondition: !ok().
  const millrace::error& error() const {
    MILLRACE_ASSERT(!ok(), "a result's error is only read when it has one");
    return std::get<1>(state_);
  }

private:
  std::variant<T, millrace::error> state_;
};

template <>
class [[nodiscard]] result<void> {
public:
  result() = default;
  result(millrace::error e) : error_(std::move(e)) {}

  [[nodiscard]] bool ok() const {
    return error_.code == errc::none;
  }
  explicit operator bool() const {
    return ok();
  }
  const millrace::error& error() const {
    return error_;
  }

private:
  millrace::error error_;
};

/// Returns the error of `expression` from the enclosing function, if any.
#define MILLRACE_TRY(expression)                                               \
  do {                                                                         \
    if (auto millrace_tried = (expression); !millrace_tried)                   \
      return millrace_tried.error();                                           \
  } while (false)

} // namespace millrace
