#pragma once

// The reassignments under way, out of the image: any node can tell them.

#include "cluster/metadata_image.hpp"
#include "schema/kafka/list_partition_reassignments.hpp"

namespace millrace {

/// Partitions that are not being reassigned, or do not exist, are left out, as
/// Kafka does.
[[nodiscard]] kafka::list_partition_reassignments_response
answer_list_reassignments(
  const kafka::list_partition_reassignments_request& request,
  const metadata_image& image);

} // namespace millrace
