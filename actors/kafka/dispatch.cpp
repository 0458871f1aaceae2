#include "actors/kafka/handlers.hpp"
#include "actors/log.hpp"

namespace millrace {

namespace {

using kafka::api_key;

struct api_handler {
  api_key key;
  request_handler handle;
};

// The list of APIs: what is not here is not advertised.
constexpr api_handler handlers[] = {
  {api_key::produce, handle_produce},
  {api_key::fetch, handle_fetch},
  {api_key::list_offsets, handle_list_offsets},
  {api_key::metadata, handle_metadata},
  {api_key::offset_commit, handle_offset_commit},
  {api_key::offset_fetch, handle_offset_fetch},
  {api_key::find_coordinator, handle_find_coordinator},
  {api_key::join_group, handle_join_group},
  {api_key::heartbeat, handle_heartbeat},
  {api_key::leave_group, handle_leave_group},
  {api_key::sync_group, handle_sync_group},
  {api_key::describe_groups, handle_describe_groups},
  {api_key::list_groups, handle_list_groups},
  {api_key::api_versions, handle_api_versions},
  {api_key::create_topics, handle_create_topics},
  {api_key::delete_topics, handle_delete_topics},
  {api_key::delete_records, handle_delete_records},
  {api_key::init_producer_id, handle_init_producer_id},
  {api_key::offset_for_leader_epoch, handle_offset_for_leader_epoch},
  {api_key::add_partitions_to_txn, handle_add_partitions_to_txn},
  {api_key::add_offsets_to_txn, handle_add_offsets_to_txn},
  {api_key::end_txn, handle_end_txn},
  {api_key::write_txn_markers, handle_write_txn_markers},
  {api_key::txn_offset_commit, handle_txn_offset_commit},
  {api_key::describe_acls, handle_describe_acls},
  {api_key::create_acls, handle_create_acls},
  {api_key::delete_acls, handle_delete_acls},
  {api_key::describe_configs, handle_describe_configs},
  {api_key::alter_configs, handle_alter_configs},
  {api_key::alter_replica_log_dirs, handle_alter_replica_log_dirs},
  {api_key::describe_log_dirs, handle_describe_log_dirs},
  {api_key::create_partitions, handle_create_partitions},
  {api_key::delete_groups, handle_delete_groups},
  {api_key::elect_leaders, handle_elect_leaders},
  {api_key::incremental_alter_configs, handle_incremental_alter_configs},
  {api_key::alter_partition_reassignments,
    handle_alter_partition_reassignments},
  {api_key::list_partition_reassignments, handle_list_partition_reassignments},
  {api_key::offset_delete, handle_offset_delete},
  {api_key::describe_client_quotas, handle_describe_client_quotas},
  {api_key::alter_client_quotas, handle_alter_client_quotas},
  {api_key::describe_user_scram_credentials,
    handle_describe_user_scram_credentials},
  {api_key::alter_user_scram_credentials, handle_alter_user_scram_credentials},
  {api_key::describe_quorum, handle_describe_quorum},
  {api_key::update_features, handle_update_features},
  {api_key::describe_cluster, handle_describe_cluster},
  {api_key::describe_producers, handle_describe_producers},
  {api_key::unregister_broker, handle_unregister_broker},
  {api_key::describe_transactions, handle_describe_transactions},
  {api_key::list_transactions, handle_list_transactions},
  {api_key::list_config_resources, handle_list_config_resources},
  {api_key::consumer_group_heartbeat, handle_consumer_group_heartbeat},
  {api_key::consumer_group_describe, handle_consumer_group_describe},
  {api_key::get_telemetry_subscriptions, handle_get_telemetry_subscriptions},
  {api_key::push_telemetry, handle_push_telemetry},
  {api_key::explain_group, handle_explain_group},
  {api_key::describe_topic_partitions, handle_describe_topic_partitions},
  {api_key::share_fetch, handle_share_fetch},
  {api_key::share_acknowledge, handle_share_acknowledge},
  {api_key::share_group_heartbeat, handle_share_group_heartbeat},
  {api_key::share_group_describe, handle_share_group_describe},
  {api_key::add_raft_voter, handle_add_raft_voter},
  {api_key::remove_raft_voter, handle_remove_raft_voter},
  {api_key::initialize_share_group_state, handle_initialize_share_group_state},
  {api_key::read_share_group_state, handle_read_share_group_state},
  {api_key::write_share_group_state, handle_write_share_group_state},
  {api_key::delete_share_group_state, handle_delete_share_group_state},
  {api_key::read_share_group_state_summary,
    handle_read_share_group_state_summary},
  {api_key::describe_share_group_offsets, handle_describe_share_group_offsets},
  {api_key::alter_share_group_offsets, handle_alter_share_group_offsets},
  {api_key::delete_share_group_offsets, handle_delete_share_group_offsets},
};

static_assert(std::size(handlers) <= counted_apis);

/// Where it stands in kafka::apis().
size_t place_of(const kafka::api& api) {
  return static_cast<size_t>(&api - kafka::apis().data());
}

request_handler find_handler(size_t place) {
  static const auto by_place = [] {
    std::array<request_handler, counted_apis> table{};
    for (const auto& entry : handlers)
      table.at(place_of(*kafka::find_api(static_cast<int16_t>(entry.key))))
        = entry.handle;
    return table;
  }();
  return by_place[place];
}

} // namespace

result<void> handle_request(gateway_core& hub, kafka_request& request) {
  auto read = kafka::decode(request.reader, request.header);
  const auto& header = request.header;
  // A version of ApiVersions that is newer than this build may come with a
  // header that it cannot read either: the answer needs its beginning only.
  const auto* versions
    = kafka::find_api(static_cast<int16_t>(api_key::api_versions));
  if (!read
      && (header.api_key != static_cast<int16_t>(api_key::api_versions)
          || header.api_version <= versions->max_version))
    return read;
  auto& slot = request.slot;
  slot.api_key = header.api_key;
  slot.version = header.api_version;
  slot.correlation_id = header.correlation_id;
  const auto* api = kafka::find_api(header.api_key);
  const auto place = api == nullptr ? counted_apis : place_of(*api);
  const auto handle = api == nullptr ? nullptr : find_handler(place);
  if (handle == nullptr)
    return error{
      errc::unsupported, "API key " + std::to_string(header.api_key)
                           + " is not one of those that ApiVersions lists"};
  hub.counters().requests[place].add();
  const bool known = header.api_version >= api->min_version
                     && header.api_version <= api->max_version;
  // ApiVersions itself answers a version that it does not know.
  if (!known && api->key != api_key::api_versions)
    return error{errc::unsupported,
      std::string{api->name} + " version " + std::to_string(header.api_version)
        + " is not within " + std::to_string(api->min_version) + "-"
        + std::to_string(api->max_version) + ", which ApiVersions lists"};
  if (!hub.has_quotas()) [[likely]]
    return handle(hub, request);
  hub.begin_work(slot, header.client_id.value_or(""));
  auto begun = handle(hub, request);
  hub.end_work();
  return begun;
}

} // namespace millrace
