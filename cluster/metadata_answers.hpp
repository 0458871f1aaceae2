#pragma once

// Answers that an image alone can give: Metadata, DescribeCluster,
// DescribeTopicPartitions, DescribeConfigs, ListConfigResources,
// DescribeClientQuotas. Any node gives them, on the spot.

#include "cluster/client_view.hpp"
#include "cluster/config_topic.hpp"
#include "cluster/metadata_image.hpp"
#include "schema/kafka/describe_client_quotas.hpp"
#include "schema/kafka/describe_cluster.hpp"
#include "schema/kafka/describe_configs.hpp"
#include "schema/kafka/describe_topic_partitions.hpp"
#include "schema/kafka/list_config_resources.hpp"
#include "schema/kafka/metadata.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

/// Every operation that Kafka knows for the resource, as a bit set: what a
/// client may do while there is no authorizer.
inline constexpr int32_t cluster_operations = 0x1fa0;
inline constexpr int32_t topic_operations = 0x0df8;
/// What is answered when it was not asked for.
inline constexpr int32_t operations_not_asked = INT32_MIN;

struct metadata_answer {
  kafka::metadata_response response;
  /// Valid names that do not exist and that the client would like to have
  /// created; their entries say UNKNOWN_TOPIC_OR_PARTITION. The caller may
  /// create them and answer anew.
  std::vector<std::string> missing;
};

/// Metadata v0-v13: a null list means all topics (in v0 an empty one too),
/// an empty one none; unknown names and ids get their code.
[[nodiscard]] metadata_answer answer_metadata(
  const kafka::metadata_request& request, const client_view& view,
  const metadata_image& image, const node_config& node);

/// DescribeCluster v0-v2.
[[nodiscard]] kafka::describe_cluster_response answer_describe_cluster(
  const kafka::describe_cluster_request& request, const client_view& view,
  const metadata_image& image);

/// DescribeTopicPartitions v0: topics in the order of their names, at most
/// response_partition_limit partitions (and max.request.partition.size.limit),
/// then a cursor.
[[nodiscard]] kafka::describe_topic_partitions_response
answer_describe_topic_partitions(
  const kafka::describe_topic_partitions_request& request,
  const client_view& view, const metadata_image& image,
  const node_config& node);

/// DescribeConfigs v1-v4 of topics and of this broker (rules C9).
[[nodiscard]] kafka::describe_configs_response answer_describe_configs(
  const kafka::describe_configs_request& request, const client_view& view,
  const metadata_image& image, const node_config& node);

/// ListConfigResources v0-v1.
[[nodiscard]] kafka::list_config_resources_response
answer_list_config_resources(
  const kafka::list_config_resources_request& request, const client_view& view,
  const metadata_image& image);

/// DescribeClientQuotas v0-v1: entities that have every part that is asked
/// for, and no other one if the request is strict.
[[nodiscard]] kafka::describe_client_quotas_response
answer_describe_client_quotas(
  const kafka::describe_client_quotas_request& request,
  const metadata_image& image);

} // namespace millrace
