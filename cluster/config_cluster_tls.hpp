#pragma once

// Whether the nodes of a cluster talk to one another over TLS, and with which
// files.

#include "cluster/config_node.hpp"

#include <optional>
#include <string>

namespace millrace {

/// PEM files.
struct cluster_tls_files {
  std::string ca;
  std::string certificate;
  std::string key;
};

/// The files that `node` names, or none: plain text, which beyond this machine
/// has to be asked for (millrace.cluster.plaintext). Reads `set` and
/// `cluster_listener` only.
/// Errors: invalid_argument with a sentence that says what to set.
[[nodiscard]] result<std::optional<cluster_tls_files>> read_cluster_tls(
  const node_config& node);

} // namespace millrace
