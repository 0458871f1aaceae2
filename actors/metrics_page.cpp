#include "actors/metrics_page.hpp"

#include "cluster/partition_settling.hpp"
#include "schema/kafka/apis.hpp"

#include <cctype>
#include <cstdio>
#include <map>
#include <vector>

namespace millrace {

namespace {

/// Label values may hold anything: backslash, quote and newline are escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"')
      out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

/// Letters, digits and underscores.
std::string label_name(std::string text) {
  for (auto& c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0)
      c = '_';
  return text;
}

class page {
public:
  void family(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " "
             + std::string{type} + "\n";
  }
  /// @param labels pairs of name and value
  void sample(std::initializer_list<std::pair<const char*, std::string>> labels,
    int64_t value) {
    text_ += name_;
    const char* before = "{";
    for (const auto& [label, content] : labels) {
      text_ += before + std::string{label} + "=\"" + escaped(content) + "\"";
      before = ",";
    }
    if (labels.size() != 0)
      text_ += "}";
    text_ += " " + std::to_string(value) + "\n";
  }
  void sample(const std::map<std::string, std::string>& labels, double value) {
    text_ += name_;
    const char* before = "{";
    for (const auto& [label, content] : labels) {
      text_ += before + label + "=\"" + escaped(content) + "\"";
      before = ",";
    }
    char number[32];
    std::snprintf(number, sizeof number, "%.15g", value);
    text_ += std::string{labels.empty() ? "" : "}"} + " " + number + "\n";
  }
  void one(
    const char* name, const char* type, const char* help, int64_t value) {
    family(name, type, help);
    sample({}, value);
  }

  [[nodiscard]] std::string take() {
    return std::move(text_);
  }

private:
  std::string name_;
  std::string text_;
};

void add_traffic(page& p, const node_counters& c) {
  p.one("kafka_server_brokertopicmetrics_bytesin_total", "counter",
    "Bytes of record batches that were produced.", c.bytes_in.get());
  p.one("kafka_server_brokertopicmetrics_bytesout_total", "counter",
    "Bytes of record batches that were fetched.", c.bytes_out.get());
  p.one("millrace_follower_bytesout_total", "counter",
    "Bytes of them from partitions that this node follows (KIP-392).",
    c.bytes_out_by_followers.get());
  p.one("kafka_server_brokertopicmetrics_failedproducerequests_total",
    "counter", "Produce requests with an error in the answer.",
    c.failed_produce.get());
  p.one("kafka_server_brokertopicmetrics_failedfetchrequests_total", "counter",
    "Partitions of fetches that were answered with an error.",
    c.failed_fetch.get());
  p.family("kafka_network_requestmetrics_requests_total", "counter",
    "Requests by API.");
  size_t place = 0;
  for (const auto& api : kafka::apis())
    p.sample({{"request", api.name}}, c.requests[place++].get());
  p.one("kafka_server_socket_server_metrics_connection_count", "gauge",
    "Connections on the Kafka port that are open now.", c.connections.get());
  p.one("millrace_connections_accepted_total", "counter",
    "Connections on the Kafka port that were accepted.",
    c.connections_total.get());
  p.one("millrace_connections_refused_total", "counter",
    "Connections that were closed for what they sent.",
    c.closed_for_errors.get());
}

void add_quotas(page& p, const node_counters& c) {
  p.family("millrace_quota_throttled_total", "counter",
    "Answers that told a client to wait, by the quota that it was beyond.");
  p.sample({{"quota", "produce"}}, c.throttled_produces.get());
  p.sample({{"quota", "fetch"}}, c.throttled_fetches.get());
  p.sample({{"quota", "request"}}, c.throttled_requests.get());
  p.sample({{"quota", "connection"}}, c.throttled_connections.get());
  p.one("millrace_quota_muted_total", "counter",
    "Times that a connection was not read because its client was to wait.",
    c.mutes.get());
  p.one("millrace_quota_muted_milliseconds_total", "counter",
    "How long these were told to wait, in all.", c.muted_ms.get());
}

/// What the metadata says of the cluster's partitions, and of this node's.
struct partition_counts {
  int64_t here = 0;
  int64_t led_here = 0;
  int64_t under_replicated = 0; ///< of those led here
  int64_t without_leader = 0;   ///< of all
};

partition_counts count_partitions(const metadata_image& image, node_id self) {
  partition_counts counts;
  for (const auto& [name, topic] : image.topics())
    for (const auto& partition : topic->partitions) {
      const bool led_here = partition.leader == self;
      counts.here += has_node(partition.replicas, self) ? 1 : 0;
      counts.led_here += led_here ? 1 : 0;
      counts.under_replicated
        += led_here && partition.isr.size() < partition.replicas.size() ? 1 : 0;
      counts.without_leader += partition.leader == no_node ? 1 : 0;
    }
  return counts;
}

void add_cluster(page& p, const node_status& status,
  const metadata_image& image, const partition_counts& counts) {
  int64_t fenced = 0;
  for (const auto& [id, broker] : image.brokers())
    fenced += broker.fenced ? 1 : 0;
  const auto registered = static_cast<int64_t>(image.brokers().size());
  p.one("kafka_brokers", "gauge", "Brokers that are registered.", registered);
  p.one("kafka_controller_kafkacontroller_activecontrollercount", "gauge",
    "1 on the node that is the controller.", status.controls() ? 1 : 0);
  p.one("kafka_controller_kafkacontroller_activebrokercount", "gauge",
    "Brokers that are registered and not fenced.", registered - fenced);
  p.one("kafka_controller_kafkacontroller_fencedbrokercount", "gauge",
    "Brokers that have not been heard of for a session.", fenced);
  p.one("kafka_controller_kafkacontroller_globaltopiccount", "gauge",
    "Topics of the cluster.", static_cast<int64_t>(image.topics().size()));
  p.one("kafka_controller_kafkacontroller_globalpartitioncount", "gauge",
    "Partitions of the cluster.", image.partition_count());
  p.one("kafka_controller_kafkacontroller_offlinepartitionscount", "gauge",
    "Partitions of the cluster that nobody leads.", counts.without_leader);
}

void add_partitions(page& p, const node_status::partition_map& all,
  const partition_counts& counts) {
  int64_t offline = 0;
  for (const auto& [name, status] : all)
    offline += status.offline ? 1 : 0;
  p.one("kafka_server_replicamanager_partitioncount", "gauge",
    "Partitions with a replica on this node.", counts.here);
  p.one("kafka_server_replicamanager_leadercount", "gauge",
    "Partitions that this node leads.", counts.led_here);
  p.one("kafka_server_replicamanager_underreplicatedpartitions", "gauge",
    "Partitions that this node leads and that lack an in-sync replica.",
    counts.under_replicated);
  p.one("kafka_server_replicamanager_offlinereplicacount", "gauge",
    "Replicas whose log cannot be written.", offline);
  const auto each = [&](const char* family, const char* help, auto value) {
    p.family(family, "gauge", help);
    for (const auto& [name, status] : all)
      p.sample(
        {{"topic", name.topic}, {"partition", std::to_string(name.partition)}},
        value(status));
  };
  each("kafka_topic_partition_current_offset",
    "The high watermark: what consumers may read up to.", [](const auto& s) {
      return s.high_watermark.value;
    });
  each("kafka_topic_partition_oldest_offset", "The first offset that is kept.",
    [](const auto& s) {
      return s.log_start.value;
    });
  each(
    "kafka_log_log_size", "Bytes of the partition's log.", [](const auto& s) {
      return s.size_bytes;
    });
}

void add_groups(page& p, const std::vector<group_status>& groups,
  const node_status::partition_map& partitions) {
  p.family("kafka_consumergroup_members", "gauge", "Members of the group.");
  for (const auto& g : groups)
    p.sample({{"consumergroup", g.group}}, g.members);
  p.family("kafka_consumergroup_current_offset", "gauge",
    "The offset that the group has committed.");
  for (const auto& g : groups)
    for (const auto& [tp, at] : g.committed)
      p.sample({{"consumergroup", g.group}, {"topic", tp.topic},
                 {"partition", std::to_string(tp.partition)}},
        at);
  p.family("kafka_consumergroup_lag", "gauge",
    "Records between the committed offset and the high watermark.");
  for (const auto& g : groups)
    for (const auto& [tp, at] : g.committed)
      if (const auto known = partitions.find(tp); known != partitions.end())
        p.sample({{"consumergroup", g.group}, {"topic", tp.topic},
                   {"partition", std::to_string(tp.partition)}},
          std::max<int64_t>(known->second.high_watermark.value - at, 0));
}

void add_compaction(page& p, const compaction_counts& c) {
  const auto total = [&](const char* name, const char* help, uint64_t value) {
    p.one(name, "counter", help, static_cast<int64_t>(value));
  };
  total("millrace_compaction_passes_total",
    "Passes over a log that have ended.", c.passes);
  total("millrace_compaction_read_bytes_total",
    "Bytes of segments that compaction has read.", c.bytes_read);
  total("millrace_compaction_written_bytes_total",
    "Bytes of segments that it has written in their place.", c.bytes_written);
  total("millrace_compaction_busy_microseconds_total",
    "How long it has worked; what the throttle holds back is not counted.",
    c.busy_us);
}

/// `kafka_client_` and the client's name, in letters that Prometheus knows.
std::string name_of(const telemetry_metrics::series& s) {
  constexpr std::string_view common = "org.apache.kafka.";
  std::string_view name = s.name;
  if (name.starts_with(common))
    name.remove_prefix(common.size());
  auto text = label_name("kafka_client_" + std::string{name});
  if (s.is_counter)
    text += "_total";
  return text;
}

/// Family by family, as the format wants it.
void add_clients(
  page& p, const std::map<uuid, telemetry_metrics::client>& clients) {
  using owned = std::pair<const telemetry_metrics::client*,
    const telemetry_metrics::series*>;
  std::map<std::string, std::vector<owned>> families;
  for (const auto& [id, client] : clients)
    for (const auto& [key, s] : client.all)
      families[name_of(s)].push_back({&client, &s});
  for (const auto& [name, list] : families) {
    p.family(name.c_str(),
      list.front().second->is_counter ? "counter" : "gauge",
      "Pushed by clients (KIP-714).");
    for (const auto& [client, s] : list) {
      std::map<std::string, std::string> labels{
        {"client_id", client->who.client_id},
        {"client_instance_id", to_string(client->who.instance_id)}};
      for (const auto& [label, value] : s->labels)
        labels.try_emplace(label_name(label), value);
      p.sample(labels, s->value);
    }
  }
}

} // namespace

std::string metrics_page(const node_counters& counters,
  const node_status& status, const metadata_image& image, node_id self,
  const std::map<uuid, telemetry_metrics::client>& clients) {
  page p;
  add_traffic(p, counters);
  add_quotas(p, counters);
  const auto counts = count_partitions(image, self);
  add_cluster(p, status, image, counts);
  p.one("kafka_log_logmanager_offlinelogdirectorycount", "gauge",
    "Log directories that cannot be used.", status.failed_log_dirs());
  p.one("millrace_node_id", "gauge", "The number of this node.", self.value);
  const auto partitions = status.partitions();
  add_partitions(p, partitions, counts);
  add_groups(p, status.groups(), partitions);
  add_compaction(p, status.compaction());
  add_clients(p, clients);
  return p.take();
}

} // namespace millrace
