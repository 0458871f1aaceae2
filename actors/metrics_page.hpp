#pragma once

// The text of /metrics in Prometheus's form. The names are those that Kafka's
// dashboards use: of the JMX exporter (`kafka_server_...`), of kafka_exporter
// (`kafka_topic_partition_...`, `kafka_consumergroup_lag`), and Millrace's
// own for what has no counterpart.

#include "actors/client_telemetry.hpp"
#include "actors/node_counters.hpp"
#include "actors/node_status.hpp"
#include "cluster/metadata_image.hpp"

#include <string>

namespace millrace {

/// @param clients what clients have pushed of themselves (KIP-714)
[[nodiscard]] std::string metrics_page(const node_counters& counters,
  const node_status& status, const metadata_image& image, node_id self,
  const std::map<uuid, telemetry_metrics::client>& clients = {});

} // namespace millrace
