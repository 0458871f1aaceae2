#pragma once

// What the log of metadata is made of: one command is one change of the
// cluster's metadata, decided by the controller and applied by every node in
// the order of the log. Commands say what is so from now on, not what to do:
// applying one cannot fail. On disk and on the wire each is one Cap'n Proto
// message (schema/metadata.capnp, docs/formats/metadata-log.md).

#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace millrace {

inline constexpr node_id no_node{-1};

/// The listener by which the nodes of a cluster reach each other; every other
/// one is for clients.
inline constexpr const char* cluster_listener_name = "CLUSTER";

/// Where a broker listens, as it says so itself.
struct broker_endpoint {
  std::string listener; ///< `PLAINTEXT`, ..., or cluster_listener_name
  std::string host;     ///< empty: the address that the client itself used
  uint16_t port = 0;
  int16_t security_protocol = 0; ///< 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, ...

  friend bool operator==(const broker_endpoint&, const broker_endpoint&)
    = default;
};

/// In the place of a replica's directory: what it held is lost, so that it
/// cannot be elected as one that has all (R10). The number is Kafka's.
inline constexpr uuid lost_directory{0, 1};

/// A replica whose log recovery had to cut, and where it ends since. Whether
/// what was cut had been durable, and so may have been committed, nobody can
/// tell from the log (R10).
struct cut_replica {
  node_id id;
  leader_epoch last_epoch{-1}; ///< of the last batch; -1: there is none
  offset end;

  friend bool operator==(const cut_replica&, const cut_replica&) = default;
};

/// One partition as the controller has decided it.
struct partition_registration {
  int32_t index = 0;
  std::vector<node_id> replicas; ///< the first one is preferred
  std::vector<node_id> isr;
  node_id leader = no_node;
  millrace::leader_epoch epoch{0}; ///< grows with every new leadership (R7)
  int32_t partition_epoch = 0;     ///< grows with every change (KIP-497)
  /// Where each replica's data is; empty: not known. lost_directory where it
  /// is not, or not all of it.
  std::vector<uuid> directories;
  /// Replicas that left the ISR when it was at its minimum: the high watermark
  /// has not moved since, so that they have all below it (KIP-966).
  std::vector<node_id> eligible;
  /// A reassignment under way (KIP-455): which of the replicas are new, and
  /// which will go when all the others are in sync.
  std::vector<node_id> adding;
  std::vector<node_id> removing;
  /// Members of the ISR that may lack what was committed. They leave it when
  /// another one leads; without one, they are compared.
  std::vector<cut_replica> cut_short;

  friend bool operator==(
    const partition_registration&, const partition_registration&)
    = default;
};

/// A configuration's new value; none takes the override away.
struct config_change {
  std::string name;
  std::optional<std::string> value;

  friend bool operator==(const config_change&, const config_change&) = default;
};

/// What a configuration belongs to; the numbers are Kafka's.
enum class config_resource : int8_t {
  unknown = 0,
  topic = 2,
  broker = 4,
  broker_logger = 8,
  client_metrics = 16,
  group = 32,
};

/// The first command of every log.
struct cluster_created {
  std::string cluster_id;
  friend bool operator==(const cluster_created&, const cluster_created&)
    = default;
};

struct topic_created {
  std::string name;
  uuid id;
  std::vector<partition_registration> partitions; ///< dense, from index 0
  std::vector<config_change> configs;
  friend bool operator==(const topic_created&, const topic_created&) = default;
};

struct topic_deleted {
  uuid id;
  friend bool operator==(const topic_deleted&, const topic_deleted&) = default;
};

struct partitions_added {
  uuid topic;
  std::vector<partition_registration> partitions; ///< follow the existing ones
  friend bool operator==(const partitions_added&, const partitions_added&)
    = default;
};

/// A new leader, ISR or set of replicas of one partition.
struct partition_changed {
  uuid topic;
  partition_registration partition;
  friend bool operator==(const partition_changed&, const partition_changed&)
    = default;
};

struct configs_changed {
  config_resource type = config_resource::unknown;
  std::string name; ///< a topic's, a broker's number, or "" for all brokers
  std::vector<config_change> changes;
  friend bool operator==(const configs_changed&, const configs_changed&)
    = default;
};

/// A broker has started. Every partition that it led gets a new leader epoch
/// and partition epoch when this is applied, and goes on being led by it (R7).
struct broker_registered {
  node_id id;
  uuid incarnation; ///< new at every start
  std::vector<uuid> directories;
  std::vector<broker_endpoint> endpoints;
  std::optional<std::string> rack;
  int64_t broker_epoch = 0; ///< metadata_image::next_broker_epoch()
  bool fenced = false;
  bool shutting_down = false;
  /// Not in the log, where its own index is meant, but in what stands for a
  /// part of an image.
  int64_t standing_since = -1;
  friend bool operator==(const broker_registered&, const broker_registered&)
    = default;
};

/// The broker is shut out (fenced) or admitted again; or it is about to end,
/// and gets nothing more to do.
struct broker_fenced {
  node_id id;
  int64_t broker_epoch = 0;
  bool fenced = true;
  bool shutting_down = false;
  int64_t standing_since = -1; ///< as in broker_registered
  friend bool operator==(const broker_fenced&, const broker_fenced&) = default;
};

struct broker_removed {
  node_id id;
  friend bool operator==(const broker_removed&, const broker_removed&)
    = default;
};

/// Producer ids [first, first + count) belong to `broker` for ever (R14).
struct producer_ids_allocated {
  producer_id first{0};
  int32_t count = 0;
  node_id broker = no_node;
  friend bool operator==(
    const producer_ids_allocated&, const producer_ids_allocated&)
    = default;
};

/// A feature's finalized level; 0 takes it away.
struct feature_level {
  std::string name;
  int16_t level = 0;
  friend bool operator==(const feature_level&, const feature_level&) = default;
};

/// What an entity of quotas is made of (KIP-546), and its name there.
inline constexpr const char* quota_user = "user";
inline constexpr const char* quota_client_id = "client-id";
inline constexpr const char* quota_ip = "ip";

/// Whom a quota is for, by what it is made of; a part without a name means
/// everyone who has no quota of their own.
using quota_entity = std::map<std::string, std::optional<std::string>>;

/// A quota's new value, in units a second; none takes it away.
struct quota_change {
  std::string key; ///< `producer_byte_rate`, ...
  std::optional<double> value;
  friend bool operator==(const quota_change&, const quota_change&) = default;
};

/// Quotas of some entities. All others stay as they are.
struct quotas_changed {
  struct entity_quotas {
    quota_entity entity;
    std::vector<quota_change> changes;
    friend bool operator==(const entity_quotas&, const entity_quotas&)
      = default;
  };
  std::vector<entity_quotas> entities;
  friend bool operator==(const quotas_changed&, const quotas_changed&)
    = default;
};

/// What a new leader of the log writes first (Raft §8): changes nothing.
struct leadership_began {
  node_id leader = no_node;
  friend bool operator==(const leadership_began&, const leadership_began&)
    = default;
};

using metadata_command = std::variant<cluster_created, topic_created,
  topic_deleted, partitions_added, partition_changed, configs_changed,
  broker_registered, broker_fenced, broker_removed, producer_ids_allocated,
  feature_level, leadership_began, quotas_changed>;

/// One Cap'n Proto message; its size is a multiple of 8 bytes.
[[nodiscard]] shared_bytes encode(const metadata_command& command);

/// Reads what encode() wrote. Nothing of `bytes` is kept.
/// Errors: corrupt; unsupported for a command of a newer version, which must
/// not be skipped: the node that does not know it cannot follow the log.
[[nodiscard]] result<metadata_command> decode_metadata_command(
  const shared_bytes& bytes);

/// The command's name, as in logs and dumps: `topic_created`.
[[nodiscard]] const char* name_of(const metadata_command& command);

} // namespace millrace
