#include "cluster/config_node.hpp"

#include "cluster/assignor.hpp"
#include "cluster/config_cluster_tls.hpp"
#include "cluster/read_replica.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace millrace {

namespace {

error bad(std::string_view key, std::string_view value, const char* why) {
  return {errc::invalid_argument, "Invalid value " + std::string{value}
                                    + " for configuration " + std::string{key}
                                    + ": " + why};
}

result<void> check_assignors(const std::vector<std::string>& names) {
  if (names.empty())
    return error{errc::invalid_argument, "group.consumer.assignors is empty"};
  for (const auto& name : names)
    if (!find_assignor(name))
      return error{
        errc::unsupported, "group.consumer.assignors: " + name
                             + " is not here, but uniform and range are"};
  return {};
}

result<listener_address> parse_listener(
  std::string_view key, std::string_view text) {
  listener_address address{"PLAINTEXT", {}, 0};
  auto rest = text;
  if (const auto scheme = rest.find("://"); scheme != rest.npos) {
    address.name = rest.substr(0, scheme);
    rest.remove_prefix(scheme + 3);
  }
  const auto colon = rest.rfind(':');
  if (colon == rest.npos || rest.find(']', colon) != rest.npos)
    return bad(key, text, "a listener is NAME://HOST:PORT, and has no port");
  auto host = rest.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != host.npos)
    return bad(key, text, "an IPv6 address is written in brackets");
  address.host = host;
  const auto digits = rest.substr(colon + 1);
  const auto* end = digits.data() + digits.size();
  const auto [at, failed] = std::from_chars(digits.data(), end, address.port);
  if (failed != std::errc{} || at != end || digits.empty())
    return bad(key, text, "its port is no number from 0 to 65535");
  if (address.name.empty())
    return bad(key, text, "its listener has no name");
  return address;
}

/// Reads typed values out of what was set, with the table's defaults.
class reader {
public:
  explicit reader(const node_config& node) : set_(node.set) {}

  /// The text for `name`, through its fallbacks; none when nothing has one.
  std::optional<std::string> text(const char* name) const {
    if (const auto at = set_.find(std::string_view{name}); at != set_.end())
      return at->second;
    const auto* key = find_config_key(config_scope::broker, name);
    MILLRACE_ASSERT(key != nullptr, "a node reads only keys of its table");
    if (key->default_value != nullptr)
      return key->default_value;
    return std::nullopt;
  }
  int64_t integer(const char* name) const {
    const auto value = text(name);
    MILLRACE_ASSERT(value.has_value(), "a number of a node has a default");
    return parse_config_integer(*value);
  }
  template <class Int>
  void read(Int& into, const char* name) const {
    const auto value = integer(name);
    MILLRACE_ASSERT(value <= std::numeric_limits<Int>::max(),
      "a key's type is as wide as its field");
    into = static_cast<Int>(value);
  }
  void read(bool& into, const char* name) const {
    into = parse_config_boolean(text(name).value_or("false"));
  }
  std::vector<std::string> words(const char* name) const {
    return parse_config_list(text(name).value_or(""));
  }

private:
  const std::map<std::string, std::string, std::less<>>& set_;
};

quota_windows read_windows(
  const reader& from, const char* count, const char* seconds) {
  quota_windows windows;
  from.read(windows.count, count);
  windows.length_ms = from.integer(seconds) * 1'000;
  return windows;
}

result<void> check_all(const std::map<std::string, std::string>& set) {
  for (const auto& [name, value] : set) {
    const auto* key = find_config_key(config_scope::broker, name);
    if (key == nullptr)
      return error{
        errc::invalid_argument, unknown_config_key(config_scope::broker, name)};
    MILLRACE_TRY(check_config_value(*key, value));
  }
  return {};
}

/// Listeners that are kept: not the controllers', and all of them in a
/// protocol that is there.
result<std::vector<listener_address>> own_listeners(
  const reader& from, const char* name) {
  const auto value = from.text(name);
  if (!value)
    return std::vector<listener_address>{};
  auto all = parse_listeners(name, *value);
  if (!all)
    return all;
  std::map<std::string, std::string, std::less<>> protocols;
  for (const auto& pair : from.words("listener.security.protocol.map")) {
    const auto colon = pair.find(':');
    if (colon == pair.npos)
      return bad("listener.security.protocol.map", pair, "NAME:PROTOCOL");
    protocols[pair.substr(0, colon)] = pair.substr(colon + 1);
  }
  const auto controllers = from.words("controller.listener.names");
  std::vector<listener_address> own;
  for (const auto& listener : *all) {
    bool is_controllers = false;
    for (const auto& controller : controllers)
      is_controllers = is_controllers || controller == listener.name;
    if (is_controllers)
      continue;
    const auto protocol = protocols.find(listener.name);
    if (protocol == protocols.end())
      return bad(name, listener.name,
        "listener.security.protocol.map does not say what it speaks");
    if (protocol->second != "PLAINTEXT")
      return error{errc::unsupported,
        "Listener " + listener.name + " speaks " + protocol->second
          + ", which is not supported yet; only PLAINTEXT is"};
    own.push_back(listener);
  }
  return own;
}

migration_policy migration_policy_of(std::string_view word) {
  if (word == "disabled")
    return migration_policy::disabled;
  if (word == "upgrade")
    return migration_policy::upgrade;
  if (word == "downgrade")
    return migration_policy::downgrade;
  return migration_policy::bidirectional;
}

rebalance_mode rebalance_mode_of(std::string_view word) {
  if (word == "off")
    return rebalance_mode::off;
  return word == "apply" ? rebalance_mode::apply : rebalance_mode::plan;
}

void read_numbers(node_config& node, const reader& from) {
  from.read(node.id.value, "node.id");
  if (node.set.find("node.id") == node.set.end()
      && node.set.find("broker.id") != node.set.end())
    from.read(node.id.value, "broker.id");
  from.read(node.num_partitions, "num.partitions");
  from.read(node.default_replication_factor, "default.replication.factor");
  from.read(node.min_insync_replicas, "min.insync.replicas");
  from.read(node.auto_create_topics, "auto.create.topics.enable");
  from.read(node.delete_topics, "delete.topic.enable");
  from.read(node.offsets_topic_partitions, "offsets.topic.num.partitions");
  from.read(
    node.offsets_topic_replication_factor, "offsets.topic.replication.factor");
  from.read(node.offsets_topic_segment_bytes, "offsets.topic.segment.bytes");
  from.read(
    node.transactions_topic_partitions, "transaction.state.log.num.partitions");
  from.read(node.transactions_topic_replication_factor,
    "transaction.state.log.replication.factor");
  from.read(node.transactions_topic_min_isr, "transaction.state.log.min.isr");
  from.read(node.transactions_topic_segment_bytes,
    "transaction.state.log.segment.bytes");
  from.read(node.share_states_topic_partitions,
    "share.coordinator.state.topic.num.partitions");
  from.read(node.share_states_topic_replication_factor,
    "share.coordinator.state.topic.replication.factor");
  from.read(
    node.share_states_topic_min_isr, "share.coordinator.state.topic.min.isr");
  from.read(node.share_states_topic_segment_bytes,
    "share.coordinator.state.topic.segment.bytes");
  from.read(node.share_updates_per_snapshot,
    "share.coordinator.snapshot.update.records.per.snapshot");
  from.read(node.transaction_timeout_ms_max, "transaction.max.timeout.ms");
  from.read(
    node.transactional_id_expiration_ms, "transactional.id.expiration.ms");
  from.read(node.transactional_id_check_interval_ms,
    "transaction.remove.expired.transaction.cleanup.interval.ms");
  node.offsets_retention_ms
    = from.integer("offsets.retention.minutes") * 60'000;
  from.read(node.offsets_retention_check_interval_ms,
    "offsets.retention.check.interval.ms");
  from.read(node.offset_metadata_bytes_max, "offset.metadata.max.bytes");
  from.read(node.group_min_session_timeout_ms, "group.min.session.timeout.ms");
  from.read(node.group_max_session_timeout_ms, "group.max.session.timeout.ms");
  from.read(
    node.group_initial_rebalance_delay_ms, "group.initial.rebalance.delay.ms");
  from.read(node.group_max_size, "group.max.size");
  from.read(node.group_consumer_session_timeout_ms,
    "group.consumer.session.timeout.ms");
  from.read(node.group_consumer_heartbeat_interval_ms,
    "group.consumer.heartbeat.interval.ms");
  from.read(node.group_consumer_assignment_interval_ms,
    "group.consumer.assignment.interval.ms");
  from.read(node.group_consumer_max_size, "group.consumer.max.size");
  from.read(node.telemetry_bytes_max, "telemetry.max.bytes");
  node.group_consumer_migration = migration_policy_of(
    from.text("group.consumer.migration.policy").value_or(""));
  from.read(
    node.group_share_session_timeout_ms, "group.share.session.timeout.ms");
  from.read(node.group_share_heartbeat_interval_ms,
    "group.share.heartbeat.interval.ms");
  from.read(node.group_share_assignment_interval_ms,
    "group.share.assignment.interval.ms");
  from.read(node.group_share_max_size, "group.share.max.size");
  from.read(node.request_bytes_max, "socket.request.max.bytes");
  from.read(node.queued_request_bytes_max, "queued.max.request.bytes");
  from.read(node.connections_max, "max.connections");
  from.read(node.connection_idle_ms_max, "connections.max.idle.ms");
  from.read(
    node.fetch_session_slots, "max.incremental.fetch.session.cache.slots");
  from.read(node.fetch_bytes_max, "fetch.max.bytes");
  from.read(node.producer_id_expiration_ms, "producer.id.expiration.ms");
  from.read(
    node.log_retention_check_interval_ms, "log.retention.check.interval.ms");
  node.client_windows
    = read_windows(from, "quota.window.num", "quota.window.size.seconds");
  node.mutation_windows = read_windows(from, "controller.quota.window.num",
    "controller.quota.window.size.seconds");
  from.read(node.cleaner_enabled, "log.cleaner.enable");
  from.read(node.cleaner_threads, "log.cleaner.threads");
  from.read(node.cleaner_backoff_ms, "log.cleaner.backoff.ms");
  from.read(node.lazy_flush_ms, "millrace.lazy.flush.ms");
  from.read(node.lazy_flush_bytes, "millrace.lazy.flush.bytes");
  from.read(node.offsets_trim_records, "millrace.offsets.trim.records");
  from.read(node.dirty_bytes_max, "millrace.dirty.bytes.max");
  from.read(node.disk_threads, "millrace.disk.threads");
  from.read(node.gateways, "millrace.gateways");
  from.read(node.describe_partitions_max, "max.request.partition.size.limit");
  from.read(node.election_timeout_ms, "controller.quorum.election.timeout.ms");
  from.read(node.broker_heartbeat_ms, "broker.heartbeat.interval.ms");
  from.read(node.broker_session_ms, "broker.session.timeout.ms");
  from.read(node.replica_lag_ms_max, "replica.lag.time.max.ms");
  from.read(node.auto_rebalance_delay_ms, "auto.rebalance.delay.ms");
  node.auto_rebalance
    = rebalance_mode_of(from.text("auto.rebalance").value_or(""));
  from.read(node.replica_fetch_bytes_max, "replica.fetch.max.bytes");
  from.read(node.replica_fetch_wait_ms, "replica.fetch.wait.max.ms");
}

result<std::optional<listener_address>> one_listener(
  const reader& from, const char* name) {
  const auto value = from.text(name);
  if (!value || value->empty())
    return std::optional<listener_address>{};
  auto parsed = parse_listeners(name, *value);
  if (!parsed)
    return parsed.error();
  if (parsed->size() != 1)
    return bad(name, *value, "one HOST:PORT");
  return std::optional{std::move(parsed->front())};
}

/// Mistakes of a cluster's configuration that one node can see by itself.
result<void> check_cluster(const node_config& node) {
  if (!node.is_clustered()) {
    if (node.controllers.size() > 1)
      return error{errc::invalid_argument,
        "controller.quorum.voters names several controllers, and this node "
        "listens for none of them: set millrace.cluster.listener (--cluster "
        "HOST:PORT)"};
    return {};
  }
  if (!node.set.contains("node.id") && !node.set.contains("broker.id"))
    return error{errc::invalid_argument,
      "A node of a cluster needs a number that no other node has: set node.id "
      "(--node-id N)"};
  if (node.controllers.empty())
    return error{errc::invalid_argument,
      "A node of a cluster has to know who keeps the metadata: set "
      "controller.quorum.voters (--controllers ID@HOST:PORT,...), to what the "
      "other nodes have or, for the first one, to itself; `millrace join` asks "
      "the cluster"};
  const auto& told = node.cluster_advertised ? *node.cluster_advertised
                                             : *node.cluster_listener;
  for (const auto& controller : node.controllers)
    if (controller.id == node.id && told.port != 0
        && controller.port != told.port)
      return error{errc::invalid_argument,
        "controller.quorum.voters sends the others to port "
          + std::to_string(controller.port) + " for node "
          + std::to_string(node.id.value) + ", and this node says that it is "
          + "on port " + std::to_string(told.port)
          + ": correct one of them, or set "
            "millrace.cluster.advertised.listener "
            "to what the others use"};
  return {};
}

result<void> read_cluster(node_config& node, const reader& from) {
  auto listener = one_listener(from, "millrace.cluster.listener");
  if (!listener)
    return listener.error();
  node.cluster_listener = std::move(*listener);
  auto advertised = one_listener(from, "millrace.cluster.advertised.listener");
  if (!advertised)
    return advertised.error();
  node.cluster_advertised = std::move(*advertised);
  constexpr const char* voters = "controller.quorum.voters";
  auto controllers = parse_controllers(voters, from.text(voters).value_or(""));
  if (!controllers)
    return controllers.error();
  node.controllers = std::move(*controllers);
  MILLRACE_TRY(check_cluster(node));
  MILLRACE_TRY(read_cluster_tls(node));
  return {};
}

result<void> check_log_dirs(const std::vector<std::string>& directories) {
  if (directories.empty())
    return error{errc::invalid_argument, "log.dirs: there is none"};
  for (const auto& directory : directories)
    if (std::ranges::count(directories, directory) > 1)
      return error{
        errc::invalid_argument, "log.dirs: " + directory + " is there twice"};
  return {};
}

/// Kafka loads classes of the user's own; here are the two that it has.
result<void> check_selector(const reader& from) {
  constexpr const char* name = "replica.selector.class";
  const auto selector = from.text(name).value_or("");
  if (selector.empty() || selector == leader_selector
      || selector == rack_aware_selector || selector == rack_aware_short)
    return {};
  return bad(name, selector,
    "rack-aware (org.apache.kafka.common.replica.RackAwareReplicaSelector), "
    "or nothing, so that consumers read from leaders; other classes cannot be "
    "loaded");
}

/// A cluster that has the nodes for it loses nothing with one of them, without
/// having been told so: three replicas, or as many as there are controllers.
/// Kafka's default is one, for a node that is alone.
void choose_replication_factors(node_config& node) {
  const auto factor = std::min<size_t>(3, node.controllers.size());
  if (!node.is_clustered() || factor < 2)
    return;
  const auto choose = [&](const char* key, int16_t& to) {
    if (node.set.emplace(key, std::to_string(factor)).second)
      to = static_cast<int16_t>(factor);
  };
  choose("default.replication.factor", node.default_replication_factor);
  choose(
    "offsets.topic.replication.factor", node.offsets_topic_replication_factor);
  choose("transaction.state.log.replication.factor",
    node.transactions_topic_replication_factor);
  choose("share.coordinator.state.topic.replication.factor",
    node.share_states_topic_replication_factor);
  // One of three may be missing, as in Kafka.
  if (factor > 2
      && node.set.emplace("transaction.state.log.min.isr", "2").second)
    node.transactions_topic_min_isr = 2;
  if (factor > 2
      && node.set.emplace("share.coordinator.state.topic.min.isr", "2").second)
    node.share_states_topic_min_isr = 2;
}

} // namespace

result<std::vector<listener_address>> parse_listeners(
  std::string_view key, std::string_view value) {
  std::vector<listener_address> listeners;
  for (const auto& text : parse_config_list(value)) {
    auto listener = parse_listener(key, text);
    if (!listener)
      return listener.error();
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

result<std::vector<controller_address>> parse_controllers(
  std::string_view key, std::string_view value) {
  std::vector<controller_address> all;
  for (const auto& text : parse_config_list(value)) {
    controller_address controller;
    const auto at = text.find('@');
    const auto* end = text.data() + std::min(at, text.size());
    const auto [stop, failed]
      = std::from_chars(text.data(), end, controller.id.value);
    if (at == text.npos || failed != std::errc{} || stop != end
        || controller.id.value < 0)
      return bad(key, text, "ID@HOST:PORT");
    auto address = parse_listeners(key, text.substr(at + 1));
    if (!address || address->size() != 1 || address->front().host.empty()
        || address->front().port == 0)
      return bad(key, text, "ID@HOST:PORT");
    controller.host = address->front().host;
    controller.port = address->front().port;
    for (const auto& other : all)
      if (other.id == controller.id)
        return bad(key, value, "each controller once");
    all.push_back(std::move(controller));
  }
  return all;
}

uuid cluster_id_of(const std::vector<controller_address>& controllers) {
  std::vector<std::string> names;
  for (const auto& c : controllers)
    names.push_back(
      std::to_string(c.id.value) + "@" + c.host + ":" + std::to_string(c.port));
  std::sort(names.begin(), names.end());
  const auto hash = [&names](uint64_t seed) { // FNV-1a
    auto h = seed;
    for (const auto& name : names)
      for (const auto c : name + ",")
        h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    return h ^ h >> 29;
  };
  for (uint64_t salt = 0xcbf29ce484222325ull;; ++salt) {
    uuid id{hash(salt), hash(~salt)};
    id.high = (id.high & ~0xf000ull) | 0x8000ull; // version 8: of our own
    id.low = (id.low & ~(3ull << 62)) | 2ull << 62;
    if (to_string(id).front() != '-') // looks like an option
      return id;
  }
}

result<node_config> parse_node_config(
  const std::map<std::string, std::string>& set) {
  MILLRACE_TRY(check_all(set));
  node_config node;
  node.set.insert(set.begin(), set.end());
  const reader from{node};
  read_numbers(node, from);
  if (node.group_min_session_timeout_ms > node.group_max_session_timeout_ms)
    return error{errc::invalid_argument,
      "group.min.session.timeout.ms is above group.max.session.timeout.ms"};
  if (node.group_consumer_heartbeat_interval_ms
      >= node.group_consumer_session_timeout_ms)
    return error{errc::invalid_argument,
      "group.consumer.heartbeat.interval.ms is not below "
      "group.consumer.session.timeout.ms"};
  if (node.group_share_heartbeat_interval_ms
      >= node.group_share_session_timeout_ms)
    return error{errc::invalid_argument,
      "group.share.heartbeat.interval.ms is not below "
      "group.share.session.timeout.ms"};
  node.group_consumer_assignors = from.words("group.consumer.assignors");
  MILLRACE_TRY(check_assignors(node.group_consumer_assignors));
  if (from.words("controller.quorum.bootstrap.servers").size() > 1)
    return error{errc::unsupported,
      "controller.quorum.bootstrap.servers: several controllers are named by "
      "controller.quorum.voters"};
  MILLRACE_TRY(read_cluster(node, from));
  choose_replication_factors(node);
  node.rack = from.text("broker.rack");
  MILLRACE_TRY(check_selector(from));
  node.log_dirs = from.words("log.dirs");
  if (node.log_dirs.empty())
    node.log_dirs = from.words("log.dir");
  MILLRACE_TRY(check_log_dirs(node.log_dirs));
  auto listeners = own_listeners(from, "listeners");
  if (!listeners)
    return listeners.error();
  if (listeners->empty())
    return error{errc::invalid_argument, "listeners: there is none"};
  node.listeners = std::move(*listeners);
  auto advertised = own_listeners(from, "advertised.listeners");
  if (!advertised)
    return advertised.error();
  for (const auto& listener : *advertised)
    if (listener.host.empty() || listener.host == "0.0.0.0"
        || listener.host == "::")
      return error{errc::invalid_argument,
        "advertised.listeners: nobody can connect to every address; name one"};
  node.advertised_listeners = std::move(*advertised);
  auto http = parse_listeners("millrace.http.listeners",
    from.text("millrace.http.listeners").value_or(""));
  if (!http)
    return http.error();
  node.http_listeners = std::move(*http);
  node.cluster_id = from.text("millrace.cluster.id").value_or("");
  return node;
}

} // namespace millrace
