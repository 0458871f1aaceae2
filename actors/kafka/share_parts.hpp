#pragma once

// What ShareFetch and ShareAcknowledge have in common (KIP-932).

#include "actors/kafka/sinks.hpp"
#include "cluster/share_session.hpp"
#include "cluster/share_settings.hpp"

#include <optional>

namespace millrace {

/// What the group's configuration says.
[[nodiscard]] share_settings share_settings_of(
  const gateway_core& hub, std::string_view group);

/// Whose session a request is about; nullopt if it does not say: then it is an
/// INVALID_REQUEST.
[[nodiscard]] std::optional<share_session_key> share_key_of(
  const std::optional<std::string>& group,
  const std::optional<std::string>& member);

/// What a request acknowledges in one partition.
struct shared_acknowledgements {
  share_session_partition of;
  std::vector<share_acknowledgement> batches;
};

/// Those partitions of a request that have any.
/// @param topics the request's
template <class Topics>
[[nodiscard]] std::vector<shared_acknowledgements> acknowledgements_of(
  const Topics& topics) {
  std::vector<shared_acknowledgements> all;
  for (const auto& topic : topics)
    for (const auto& p : topic.partitions) {
      if (p.acknowledgement_batches.empty())
        continue;
      auto& one = all.emplace_back();
      one.of = {topic.topic_id, p.partition_index};
      for (const auto& batch : p.acknowledgement_batches)
        one.batches.push_back(
          {{batch.first_offset}, {batch.last_offset}, batch.acknowledge_types});
    }
  return all;
}

/// The highest type that a request may have (KIP-1222).
[[nodiscard]] constexpr share_acknowledge_type highest_type(bool renews) {
  return renews ? share_acknowledge_type::renew
                : share_acknowledge_type::reject;
}

/// Asks the partition to acknowledge, unless that cannot be: then returns why.
[[nodiscard]] kafka_error ask_to_acknowledge(gateway_core& hub,
  const share_session_key& key, shared_acknowledgements what,
  share_acknowledge_type highest, const gateway_core::sink_ptr& sink,
  uint32_t part);

/// The entry of a partition in the answer, at its end.
template <class Response>
auto& add_shared(Response& response, const share_session_partition& of) {
  auto& topics = response.responses;
  if (topics.empty() || topics.back().topic_id != of.topic)
    topics.emplace_back().topic_id = of.topic;
  auto& entry = topics.back().partitions.emplace_back();
  entry.partition_index = of.partition;
  return entry;
}

} // namespace millrace
