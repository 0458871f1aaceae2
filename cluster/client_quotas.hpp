#pragma once

// Quotas of users, client ids and addresses (KIP-13, KIP-55, KIP-546,
// KIP-599, KIP-612), and which of them a client is held to.

#include "schema/metadata_command.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

inline constexpr const char* producer_byte_rate = "producer_byte_rate";
inline constexpr const char* consumer_byte_rate = "consumer_byte_rate";
inline constexpr const char* request_percentage = "request_percentage";
inline constexpr const char* controller_mutation_rate
  = "controller_mutation_rate";
inline constexpr const char* connection_creation_rate
  = "connection_creation_rate";

/// Who a client says it is: what quotas go by.
struct quota_client {
  std::string user;
  std::string client_id; ///< empty: it gave none

  friend bool operator==(const quota_client&, const quota_client&) = default;
};

/// The user of a connection that has not proved to be anyone; Kafka's name.
inline constexpr const char* anonymous_user = "ANONYMOUS";

/// A quota that a client is held to.
struct quota_limit {
  double rate = 0; ///< a second
  /// All clients that are alike in what is named here share it: those of a
  /// user, those with a client id, or those of a user with one.
  std::optional<std::string> user;
  std::optional<std::string> client_id;

  friend bool operator==(const quota_limit&, const quota_limit&) = default;
};

/// By key; units a second.
using quota_values = std::map<std::string, double, std::less<>>;

class client_quotas {
public:
  void apply(const quotas_changed& change);

  [[nodiscard]] bool empty() const {
    return all_.empty();
  }
  /// Ordered by entity; none without values.
  [[nodiscard]] const std::map<quota_entity, quota_values>& all() const {
    return all_;
  }
  /// What the entity itself has, or null.
  [[nodiscard]] const quota_values* of(const quota_entity& entity) const;

  /// The one quota of `key` that `client` is held to, of the first of these
  /// that has one (KIP-55): its user with its client id, its user with any
  /// client id, its user; the same three for any user; its client id; any
  /// client id. None: it is not held to any.
  [[nodiscard]] std::optional<quota_limit> find(
    std::string_view key, const quota_client& client) const;
  /// connection_creation_rate of an address, or of any (KIP-612).
  [[nodiscard]] std::optional<double> connection_rate(
    const std::string& ip) const;

  friend bool operator==(const client_quotas&, const client_quotas&) = default;

private:
  std::map<quota_entity, quota_values> all_;
};

/// What leads from one table to the other; no entities if they are the same.
[[nodiscard]] quotas_changed difference(
  const client_quotas& from, const client_quotas& to);

} // namespace millrace
