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

/// Of a client that is to wait before it changes more (KIP-599).
[[nodiscard]] inline refusal quota_exceeded() {
  return {kafka_error::throttling_quota_exceeded,
    "The throttling quota has been exceeded."};
}

} // namespace millrace
