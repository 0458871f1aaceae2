#include "cluster/config_cluster_tls.hpp"

namespace millrace {

namespace {

bool is_of_this_machine(const std::string& host) {
  return host == "localhost" || host.starts_with("127.") || host == "::1";
}

std::string text_of(const node_config& node, const char* key) {
  const auto at = node.set.find(key);
  return at == node.set.end() ? "" : at->second;
}

} // namespace

result<std::optional<cluster_tls_files>> read_cluster_tls(
  const node_config& node) {
  cluster_tls_files files{text_of(node, "millrace.cluster.ssl.ca.location"),
    text_of(node, "millrace.cluster.ssl.certificate.location"),
    text_of(node, "millrace.cluster.ssl.key.location")};
  const auto missing = (files.ca.empty() ? 1 : 0)
                       + (files.certificate.empty() ? 1 : 0)
                       + (files.key.empty() ? 1 : 0);
  const bool plain
    = parse_config_boolean(text_of(node, "millrace.cluster.plaintext"));
  if (missing == 0 && plain)
    return error{errc::invalid_argument,
      "millrace.cluster.plaintext is true, and there are "
      "millrace.cluster.ssl files: TLS or not?"};
  if (missing == 0)
    return std::optional{std::move(files)};
  if (missing < 3)
    return error{errc::invalid_argument,
      "TLS between nodes needs all of millrace.cluster.ssl.ca.location, "
      "millrace.cluster.ssl.certificate.location and "
      "millrace.cluster.ssl.key.location"};
  if (!node.is_clustered() || plain
      || is_of_this_machine(node.cluster_listener->host))
    return std::optional<cluster_tls_files>{};
  return error{errc::invalid_argument,
    "Nodes that listen for one another beyond this machine need certificates: "
    "make them with `millrace cluster cert` and set "
    "millrace.cluster.ssl.ca.location, .certificate.location and "
    ".key.location; or say millrace.cluster.plaintext=true where nobody else "
    "reaches the network"};
}

} // namespace millrace
