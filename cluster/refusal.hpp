#pragma once

#include "schema/kafka_error.hpp"

#include <string>

namespace millrace {

/// Why one part of a request cannot be: a protocol code, and a sentence for
/// whoever reads the client's log. Converts to true when there is one.
struct refusal {
  kafka_error error = kafka_error::none;
  std::string message;

  explicit operator bool() const {
    return error != kafka_error::none;
  }
};

} // namespace millrace
