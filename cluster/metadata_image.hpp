#pragma once

// The cluster's metadata as it stands after some entry of the metadata log:
// brokers, topics, configurations, producer ids. A value: copying it shares
// the topics, so that every subscriber may hold a copy of its own and apply
// the same commands to it. All reads of metadata are answered from here;
// images in LMDB are for restarts only (cluster/metadata_image_store.hpp).

#include "cluster/client_quotas.hpp"
#include "schema/metadata_command.hpp"
#include "schema/raft_entry.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace millrace {

using config_map = std::map<std::string, std::string, std::less<>>;

struct broker_registration {
  node_id id;
  uuid incarnation;
  std::vector<uuid> directories;
  std::vector<broker_endpoint> endpoints;
  std::optional<std::string> rack;
  int64_t broker_epoch = -1;
  bool fenced = false;
  bool shutting_down = false; ///< gets nothing more to lead or to hold
  /// The entry of the log that made its standing what it is: registered,
  /// fenced, admitted. Who has not applied it knows nothing of itself (R25).
  int64_t standing_since = -1;

  friend bool operator==(const broker_registration&, const broker_registration&)
    = default;
};

struct topic_image {
  std::string name;
  uuid id;
  std::vector<partition_registration> partitions; ///< by index, dense
  config_map configs;                             ///< overrides only

  friend bool operator==(const topic_image&, const topic_image&) = default;
};
using topic_image_ptr = std::shared_ptr<const topic_image>;

class metadata_image {
public:
  /// Applies one command, which is the log's entry `index` of `term`. Both the
  /// fresh and the replayed come through here.
  /// Precondition: the command was decided on the state before it.
  void apply(const metadata_command& command, int64_t index, int64_t term);

  /// The same for a change that is one of several which together lead from
  /// one image to a later one (cluster/metadata_difference.hpp): it has no
  /// effect on anything that it does not name.
  void apply_part(const metadata_command& command);
  /// Entry `index` of `term` holds no command, or everything up to it has
  /// been applied in parts.
  void pass(int64_t index, int64_t term);
  /// Entry `index` of `term` has changed the members of the group.
  void change_members(
    raft_configuration configuration, int64_t index, int64_t term);
  /// The members as of the last entry applied; none before there were any.
  [[nodiscard]] const raft_configuration& configuration() const {
    return configuration_;
  }

  /// The last entry applied; -1 before the first.
  [[nodiscard]] int64_t applied_index() const {
    return applied_index_;
  }
  [[nodiscard]] int64_t applied_term() const {
    return applied_term_;
  }

  [[nodiscard]] const std::string& cluster_id() const {
    return cluster_id_;
  }
  /// By number, ascending.
  [[nodiscard]] const std::map<node_id, broker_registration>& brokers() const {
    return brokers_;
  }
  [[nodiscard]] const broker_registration* find_broker(node_id id) const;
  /// Whether it is registered and not fenced.
  [[nodiscard]] bool is_alive(node_id id) const;
  /// Whether it is alive and not about to end: may lead and join an ISR.
  [[nodiscard]] bool is_active(node_id id) const;

  /// Topics by name, ascending.
  [[nodiscard]] const std::map<std::string, topic_image_ptr, std::less<>>&
  topics() const {
    return topics_;
  }
  /// Null when there is none; the pointer lives as long as this image is not
  /// changed (copy the topic_image_ptr to keep it).
  [[nodiscard]] const topic_image* find_topic(std::string_view name) const;
  [[nodiscard]] const topic_image* find_topic(const uuid& id) const;
  [[nodiscard]] const partition_registration* find_partition(
    const uuid& topic, int32_t partition) const;
  [[nodiscard]] int32_t partition_count() const {
    return partition_count_;
  }
  /// The topic whose name equals `name` but for `.` and `_`, which metrics
  /// cannot tell apart (rules C9); "" when there is none.
  [[nodiscard]] std::string collision_of(std::string_view name) const;

  /// What has configurations and is no topic: a broker (its number, or "" for
  /// all of them), a group, a subscription to clients' metrics.
  using config_owner = std::pair<config_resource, std::string>;
  /// Its overrides; null if it has none.
  [[nodiscard]] const config_map* configs_of(
    config_resource type, std::string_view name) const;
  [[nodiscard]] const std::map<config_owner, config_map>& all_configs() const {
    return configs_;
  }

  /// Null when there are none at all. The same object until they change, so
  /// that whoever has looked one up knows how long that is good.
  [[nodiscard]] const std::shared_ptr<const client_quotas>& quotas() const {
    return quotas_;
  }

  /// The first producer id that no block holds yet.
  [[nodiscard]] producer_id next_producer_id() const {
    return next_producer_id_;
  }
  /// Above every epoch ever given: the next registration gets it.
  [[nodiscard]] int64_t next_broker_epoch() const {
    return next_broker_epoch_;
  }
  [[nodiscard]] const std::map<std::string, int16_t>& features() const {
    return features_;
  }

  friend bool operator==(const metadata_image&, const metadata_image&);

private:
  friend class metadata_image_loader;

  void change(const cluster_created&);
  void change(const topic_created&);
  void change(const topic_deleted&);
  void change(const partitions_added&);
  void change(const partition_changed&);
  void change(const configs_changed&);
  void change(const broker_registered&);
  void change(const broker_fenced&);
  void change(const broker_removed&);
  void change(const producer_ids_allocated&);
  void change(const feature_level&);
  void change(const leadership_began&);
  void change(const quotas_changed&);
  void renew_epochs(node_id id);
  void insert_topic(topic_image topic);
  /// The topic, to be changed: a copy if other images share it, so that many
  /// changes in a row copy it once. Precondition: it exists.
  [[nodiscard]] topic_image& own_topic(const uuid& id);

  int64_t applied_index_ = -1;
  int64_t applied_term_ = -1;
  raft_configuration configuration_;
  std::string cluster_id_;
  std::map<node_id, broker_registration> brokers_;
  std::map<std::string, topic_image_ptr, std::less<>> topics_;
  std::unordered_map<uuid, topic_image_ptr> topics_by_id_;
  /// How names look to metrics (`.` as `_`), with a name that looks so.
  std::multimap<std::string, std::string, std::less<>> names_in_metrics_;
  std::map<config_owner, config_map> configs_;
  std::shared_ptr<const client_quotas> quotas_;
  std::map<std::string, int16_t> features_;
  producer_id next_producer_id_{0};
  int64_t next_broker_epoch_ = 1;
  int32_t partition_count_ = 0;
};

/// `__consumer_offsets`, `__transaction_state`, and those that keep the state
/// of custom actors: clients may read them and not write.
[[nodiscard]] bool is_internal_topic(std::string_view name);
inline constexpr const char* offsets_topic_name = "__consumer_offsets";
inline constexpr const char* transactions_topic_name = "__transaction_state";
inline constexpr const char* share_states_topic_name = "__share_group_state";
/// Before the name of a custom actor (actors/custom_deployments.hpp).
inline constexpr const char* actor_topic_prefix = "__actor-";

} // namespace millrace
