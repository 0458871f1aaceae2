#pragma once

// The few requests that the workload and the checks make, with the few
// fields that they use.

#include "apps/client/exchange.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <string>

namespace millrace::preload {

[[nodiscard]] kafka::produce_request produce_to(
  const topic_partition& at, int16_t acks, shared_bytes batch);
[[nodiscard]] kafka::offset_commit_request commit_for(
  const std::string& group, const topic_partition& at, int64_t value);
/// Rolls segments after a few KB, as their indexes have little room, and
/// removes the files of deleted ones at once.
[[nodiscard]] kafka::create_topics_request create_of(
  const std::string& topic, int32_t partitions);
[[nodiscard]] kafka::delete_topics_request delete_of(const std::string& topic);

/// Deletes the records below `before`.
[[nodiscard]] kafka::delete_records_request trim_of(
  const topic_partition& at, int64_t before);
/// For an idempotent producer without transactions.
[[nodiscard]] kafka::init_producer_id_request producer_id_request();

/// The one partition's answer. Precondition: there is one.
[[nodiscard]] const kafka::produce_response::partition_produce_response&
answer_of(const kafka::produce_response& response);
[[nodiscard]] int16_t code_of(const kafka::offset_commit_response& response);
[[nodiscard]] int16_t code_of(const kafka::create_topics_response& response);
[[nodiscard]] int16_t code_of(const kafka::delete_topics_response& response);

[[nodiscard]] int16_t code_of(const kafka::delete_records_response& response);

} // namespace millrace::preload
