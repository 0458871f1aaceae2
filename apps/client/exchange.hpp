#pragma once

// Which response belongs to a request, and the newest version of it that
// this client speaks. Topics are named by name, not by id, so that Produce,
// Fetch and the offset APIs stop at the last versions that do.

#include "schema/kafka/add_raft_voter.hpp"
#include "schema/kafka/alter_partition_reassignments.hpp"
#include "schema/kafka/api_versions.hpp"
#include "schema/kafka/apis.hpp"
#include "schema/kafka/consumer_group_describe.hpp"
#include "schema/kafka/create_partitions.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/delete_groups.hpp"
#include "schema/kafka/delete_records.hpp"
#include "schema/kafka/delete_topics.hpp"
#include "schema/kafka/describe_cluster.hpp"
#include "schema/kafka/describe_configs.hpp"
#include "schema/kafka/describe_groups.hpp"
#include "schema/kafka/describe_quorum.hpp"
#include "schema/kafka/elect_leaders.hpp"
#include "schema/kafka/explain_group.hpp"
#include "schema/kafka/fetch.hpp"
#include "schema/kafka/find_coordinator.hpp"
#include "schema/kafka/heartbeat.hpp"
#include "schema/kafka/incremental_alter_configs.hpp"
#include "schema/kafka/init_producer_id.hpp"
#include "schema/kafka/join_group.hpp"
#include "schema/kafka/leave_group.hpp"
#include "schema/kafka/list_groups.hpp"
#include "schema/kafka/list_offsets.hpp"
#include "schema/kafka/list_partition_reassignments.hpp"
#include "schema/kafka/metadata.hpp"
#include "schema/kafka/offset_commit.hpp"
#include "schema/kafka/offset_delete.hpp"
#include "schema/kafka/offset_fetch.hpp"
#include "schema/kafka/produce.hpp"
#include "schema/kafka/remove_raft_voter.hpp"
#include "schema/kafka/sync_group.hpp"
#include "schema/kafka/unregister_broker.hpp"

namespace millrace::client {

template <class Request>
struct exchange;

#define MILLRACE_EXCHANGE(api, newest_version)                                 \
  template <>                                                                  \
  struct exchange<kafka::api##_request> {                                      \
    using response = kafka::api##_response;                                    \
    static constexpr auto key = kafka::api_key::api;                           \
    static constexpr int16_t newest = newest_version;                          \
  }

MILLRACE_EXCHANGE(add_raft_voter, 0);
MILLRACE_EXCHANGE(alter_partition_reassignments, 1);
MILLRACE_EXCHANGE(api_versions, 3);
MILLRACE_EXCHANGE(consumer_group_describe, 1);
MILLRACE_EXCHANGE(create_partitions, 3);
MILLRACE_EXCHANGE(create_topics, 7);
MILLRACE_EXCHANGE(delete_groups, 2);
MILLRACE_EXCHANGE(delete_records, 2);
MILLRACE_EXCHANGE(delete_topics, 5);
MILLRACE_EXCHANGE(describe_cluster, 2);
MILLRACE_EXCHANGE(describe_configs, 4);
MILLRACE_EXCHANGE(describe_groups, 6);
MILLRACE_EXCHANGE(describe_quorum, 2);
MILLRACE_EXCHANGE(elect_leaders, 2);
MILLRACE_EXCHANGE(explain_group, 0);
MILLRACE_EXCHANGE(fetch, 12);
MILLRACE_EXCHANGE(find_coordinator, 3);
MILLRACE_EXCHANGE(heartbeat, 4);
MILLRACE_EXCHANGE(incremental_alter_configs, 1);
MILLRACE_EXCHANGE(init_producer_id, 4);
MILLRACE_EXCHANGE(join_group, 9);
MILLRACE_EXCHANGE(leave_group, 5);
MILLRACE_EXCHANGE(list_groups, 4);
MILLRACE_EXCHANGE(list_offsets, 9);
MILLRACE_EXCHANGE(list_partition_reassignments, 0);
MILLRACE_EXCHANGE(metadata, 12);
MILLRACE_EXCHANGE(offset_commit, 9);
MILLRACE_EXCHANGE(offset_delete, 0);
MILLRACE_EXCHANGE(offset_fetch, 7);
MILLRACE_EXCHANGE(produce, 12);
MILLRACE_EXCHANGE(remove_raft_voter, 0);
MILLRACE_EXCHANGE(sync_group, 5);
MILLRACE_EXCHANGE(unregister_broker, 0);

#undef MILLRACE_EXCHANGE

} // namespace millrace::client
