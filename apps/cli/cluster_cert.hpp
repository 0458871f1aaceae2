#pragma once

// `millrace cluster cert`: what TLS between nodes needs, as files.

#include "schema/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::cli {

struct cluster_cert_options {
  std::string directory = "certs";
  std::vector<int32_t> nodes{1, 2, 3};
  int32_t days = 3650;
};

/// Writes `node-N.pem` and `node-N.key` for each node into the directory, and
/// makes `ca.pem` and `ca.key` if they are not there; keys are readable by
/// their owner only. Returns the files that were made.
/// Errors: already_exists (a node's file is never replaced), invalid_argument
/// (half an authority), permission, io_error.
[[nodiscard]] result<std::vector<std::string>> make_cluster_certificates(
  const cluster_cert_options& options);

} // namespace millrace::cli
