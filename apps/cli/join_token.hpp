#pragma once

// What a node needs to become part of a cluster besides one address, as one
// word to copy: `millrace cluster token` makes it, `millrace join` takes it.

#include "schema/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::cli {

struct join_token {
  std::string cluster_id;
  int32_t node = 0; ///< the number that the node will have
  /// PEM; all empty where the nodes talk in plain text.
  std::string ca;
  std::string certificate;
  std::string key;

  [[nodiscard]] bool has_certificate() const {
    return !ca.empty();
  }

  friend bool operator==(const join_token&, const join_token&) = default;
};

/// Base 64 of `millrace-join 1` and a line for each field, name and value.
[[nodiscard]] std::string encode_join_token(const join_token& token);
/// Errors: invalid_argument: not a token, or not a whole one; unsupported: of
/// another version.
[[nodiscard]] result<join_token> decode_join_token(std::string_view text);

} // namespace millrace::cli
