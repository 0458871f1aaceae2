#include "cluster/group_turn.hpp"

namespace millrace {

kafka_error group_append_error(kafka_error error) {
  switch (error) {
  case kafka_error::unknown_topic_or_partition:
  case kafka_error::not_enough_replicas:
  case kafka_error::not_enough_replicas_after_append:
  case kafka_error::request_timed_out:
    return kafka_error::coordinator_not_available;
  case kafka_error::not_leader_or_follower:
  case kafka_error::kafka_storage_error:
    return kafka_error::not_coordinator;
  case kafka_error::message_too_large:
  case kafka_error::record_list_too_large:
  case kafka_error::invalid_fetch_size:
    return kafka_error::unknown_server_error;
  default:
    return error;
  }
}

kafka_error offset_append_error(kafka_error error) {
  switch (error) {
  case kafka_error::message_too_large:
  case kafka_error::record_list_too_large:
  case kafka_error::invalid_fetch_size:
    return kafka_error::invalid_commit_offset_size;
  default:
    return group_append_error(error);
  }
}

} // namespace millrace
