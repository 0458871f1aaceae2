#pragma once

// The replicas and coordinators that the metadata gives to this node: what
// the broker starts, tells and ends.

#include "actors/broker.hpp"

namespace millrace {

/// What the gateways are to be told at the end of a step.
struct broker_news {
  metadata_update metadata;
  std::vector<partition_place> partitions;
  std::vector<coordinator_place> coordinators;
};

/// Each starts what is not running yet, and notes where it is.
void start_everything(
  broker_actor::stateful_pointer<broker_state> self, broker_news& told);
void start_topic(broker_actor::stateful_pointer<broker_state> self,
  const topic_image& topic, broker_news& told);
void start_coordinator(broker_actor::stateful_pointer<broker_state> self,
  int32_t index, const partition_actor& log, broker_news& told);

/// Tells the partitions what is so now.
void refresh_topic(
  broker_actor::stateful_pointer<broker_state> self, const topic_image& topic);
void refresh_everything(broker_actor::stateful_pointer<broker_state> self);

/// Ends what runs for a topic that is gone. Its directories go when the
/// partitions have closed.
void end_topic(broker_actor::stateful_pointer<broker_state> self,
  const topic_image& topic, broker_news& told);

} // namespace millrace
