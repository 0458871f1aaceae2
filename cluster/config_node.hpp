#pragma once

// A node's own configuration: what its file and command line say, typed. It
// does not change while the node runs; what may change is in the image
// (dynamic broker configurations) and wins over it.

#include "cluster/config_keys.hpp"
#include "cluster/group_config.hpp"
#include "cluster/quota_window.hpp"
#include "schema/metadata_command.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

/// `PLAINTEXT://host:port` taken apart.
struct listener_address {
  std::string name;
  std::string host; ///< empty: every address (listeners) or unset
  uint16_t port = 0;

  friend bool operator==(const listener_address&, const listener_address&)
    = default;
};

/// `1@host:port`: a controller and where the others find it.
struct controller_address {
  node_id id{0};
  std::string host;
  uint16_t port = 0;

  friend bool operator==(const controller_address&, const controller_address&)
    = default;
};

/// Reads `1@host:port,2@host:port`. Errors: invalid_argument.
[[nodiscard]] result<std::vector<controller_address>> parse_controllers(
  std::string_view key, std::string_view value);

/// Reads a list of listeners: `PLAINTEXT://:9092,PLAINTEXT://[::1]:9092`; a
/// bare HOST:PORT is PLAINTEXT. Errors: invalid_argument.
[[nodiscard]] result<std::vector<listener_address>> parse_listeners(
  std::string_view key, std::string_view value);

/// An id that every node of a cluster comes to by itself, from the list of
/// its controllers.
[[nodiscard]] uuid cluster_id_of(
  const std::vector<controller_address>& controllers);

/// What the one that leads the metadata does when nodes have come or gone.
enum class rebalance_mode : uint8_t { off, plan, apply };

struct node_config {
  /// What was set, by name; everything else is the table's default.
  std::map<std::string, std::string, std::less<>> set;

  node_id id{0};
  std::optional<std::string> rack;
  std::vector<std::string> log_dirs;
  std::vector<listener_address> listeners;
  std::vector<listener_address> advertised_listeners; ///< empty: see design
  std::vector<listener_address> http_listeners;
  int32_t num_partitions = 1;
  int16_t default_replication_factor = 1;
  int32_t min_insync_replicas = 1;
  bool auto_create_topics = true;
  bool delete_topics = true;
  int32_t offsets_topic_partitions = 50;
  int16_t offsets_topic_replication_factor = 1;
  int64_t offsets_topic_segment_bytes = 0;
  int32_t transactions_topic_partitions = 50;
  int16_t transactions_topic_replication_factor = 1;
  int32_t transactions_topic_min_isr = 1;
  int64_t transactions_topic_segment_bytes = 0;
  int32_t share_states_topic_partitions = 50;
  int16_t share_states_topic_replication_factor = 1;
  int32_t share_states_topic_min_isr = 1;
  int64_t share_states_topic_segment_bytes = 0;
  int32_t share_updates_per_snapshot = 500;
  int32_t transaction_timeout_ms_max = 0;
  int64_t transactional_id_expiration_ms = 0;
  int64_t transactional_id_check_interval_ms = 0;
  int64_t offsets_retention_ms = 0;
  int64_t offsets_retention_check_interval_ms = 0;
  int32_t offset_metadata_bytes_max = 4096;
  int32_t offset_fetch_bytes_max = 0;
  int32_t group_min_session_timeout_ms = 6000;
  int32_t group_max_session_timeout_ms = 1800000;
  int32_t group_initial_rebalance_delay_ms = 3000;
  int32_t group_max_size = INT32_MAX;
  int32_t group_consumer_session_timeout_ms = 45000;
  int32_t group_consumer_heartbeat_interval_ms = 5000;
  int32_t group_consumer_assignment_interval_ms = 1000;
  int32_t group_consumer_max_size = INT32_MAX;
  int32_t telemetry_bytes_max = 1 << 20;
  migration_policy group_consumer_migration = migration_policy::bidirectional;
  int32_t group_share_session_timeout_ms = 45000;
  int32_t group_share_heartbeat_interval_ms = 5000;
  int32_t group_share_assignment_interval_ms = 1000;
  int32_t group_share_max_size = 200;
  std::vector<std::string> group_consumer_assignors = {"uniform", "range"};
  int64_t request_bytes_max = 0;        ///< socket.request.max.bytes
  int64_t queued_request_bytes_max = 0; ///< of a node; -1 no bound
  int32_t connections_max = 0;
  int64_t connection_idle_ms_max = 0;
  int32_t fetch_session_slots = 0;
  int32_t fetch_bytes_max = 0;
  int64_t producer_id_expiration_ms = 0;
  quota_windows client_windows;   ///< quota.window.*
  quota_windows mutation_windows; ///< controller.quota.window.*
  int64_t log_retention_check_interval_ms = 0;
  bool cleaner_enabled = true;
  int32_t cleaner_threads = 1;
  int64_t cleaner_backoff_ms = 0;
  int64_t lazy_flush_ms = 0;    ///< R8: the group commit nobody waits for
  int64_t lazy_flush_bytes = 0; ///< R8
  /// A custom actor's log begins anew with so many old records in it.
  int64_t offsets_trim_records = 0;
  int64_t dirty_bytes_max = 0; ///< of all logs, before producers wait
  int32_t disk_threads = 0;    ///< 0: as many as suit the machine
  int32_t gateways = 0;        ///< 0: as many as suit the machine
  int32_t describe_partitions_max = 0;
  std::string cluster_id; ///< empty: a new one at the first start
  /// Where the other nodes are listened for; none: the node is alone.
  std::optional<listener_address> cluster_listener;
  /// What the others are told instead, if it is not the same.
  std::optional<listener_address> cluster_advertised;
  /// The voters at the first start. Empty: this node alone.
  std::vector<controller_address> controllers;
  int32_t election_timeout_ms = 250;
  int32_t broker_heartbeat_ms = 200;
  int32_t broker_session_ms = 1000;
  int64_t replica_lag_ms_max = 1000;
  int32_t replica_fetch_bytes_max = 1 << 20;
  int32_t replica_fetch_wait_ms = 500;
  rebalance_mode auto_rebalance = rebalance_mode::plan;
  int64_t auto_rebalance_delay_ms = 60'000;

  /// Whether other nodes may take part.
  [[nodiscard]] bool is_clustered() const {
    return cluster_listener.has_value();
  }
};

/// Types what was set. Every key must be known and every value good.
/// Errors: invalid_argument with a sentence that names the key, and for an
/// unknown one the nearest known one; unsupported for one not done yet.
[[nodiscard]] result<node_config> parse_node_config(
  const std::map<std::string, std::string>& set);

} // namespace millrace
