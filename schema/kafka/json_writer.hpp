#pragma once

// JSON text of a decoded message, for logs and for comparison with the Java
// client's converters. It only ever writes.

#include "schema/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::kafka {

/// Appends JSON to a string, putting the commas itself.
class json_writer {
public:
  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  /// Precondition: within an object, and a value follows.
  void key(const char* name);

  void null();
  void boolean(bool x);
  void number(int64_t x);
  void number(double x);
  /// Bytes that are no UTF-8 become U+FFFD.
  void string(std::string_view x);
  void string_or_null(const std::optional<std::string>& x);
  /// Standard base64 with padding.
  void bytes(std::string_view x);
  void bytes_or_null(const std::optional<std::string>& x);
  void id(const uuid& x);

  /// Gives away the text.
  [[nodiscard]] std::string take() {
    return std::move(text_);
  }

private:
  void comma();

  std::string text_;
};

} // namespace millrace::kafka
