#pragma once

// The replicas and coordinators that the metadata gives to this node: what
// the broker starts, tells and ends.

#include "actors/broker.hpp"
#include "actors/tell.hpp"

namespace millrace {

/// What the gateways are to be told at the end of a step.
struct broker_news {
  metadata_update metadata;
  std::vector<partition_place> partitions;
  std::vector<coordinator_place> coordinators;
};

/// Before this broker is registered: opens the logs of which others have
/// replicas, so that the registration says what is lost of them (R10).
void open_replicas(broker_actor::stateful_pointer<broker_state> self);

/// Each brings what runs here in line with what the metadata says: starts,
/// ends, and tells partitions what is so now. What is new to the gateways is
/// noted. Precondition: registered.
void follow_everything(
  broker_actor::stateful_pointer<broker_state> self, broker_news& told);
void follow_topic(broker_actor::stateful_pointer<broker_state> self,
  const topic_image& topic, broker_news& told);
void follow_partition(broker_actor::stateful_pointer<broker_state> self,
  const topic_image& topic, const partition_registration& p, broker_news& told);
/// Only what runs here and has another registration now.
void follow_registrations(
  broker_actor::stateful_pointer<broker_state> self, broker_news& told);

/// Tells the partitions their settings.
void configure_topic(
  broker_actor::stateful_pointer<broker_state> self, const topic_image& topic);
void configure_everything(broker_actor::stateful_pointer<broker_state> self);

/// Tells all that coordinate groups here.
template <class Message>
void tell_group_coordinators(
  broker_actor::stateful_pointer<broker_state> self, const Message& message) {
  for (const auto& [name, coordinator] : self->state.coordinators)
    if (name.topic == offsets_topic_name)
      tell(self, coordinator.actor, Message{message});
}

/// Of the replica that this node runs.
[[nodiscard]] partition_settings settings_of(
  const broker_state& s, const topic_image& topic, int32_t index);

/// Closes it, cleanly: its end is told by partition_closed.
void pause_partition(broker_actor::stateful_pointer<broker_state> self,
  const topic_partition& name, broker_news& told);

/// Who removes what is left in that log directory.
const disk_actor& remover(const broker_state& s, size_t log_dir);

/// Ends it, whatever it coordinates; nothing is heard of its end.
void end_coordinator(broker_actor::stateful_pointer<broker_state> self,
  const caf::strong_actor_ptr& coordinator);

/// Says where the other nodes listen, and what was never claimed here.
void note_leftovers(broker_actor::stateful_pointer<broker_state> self);

/// Topics have come, gone or grown: the coordinators of groups are to know.
void tell_topics(broker_actor::stateful_pointer<broker_state> self);
/// The same of what single groups are configured to.
void tell_overrides(broker_actor::stateful_pointer<broker_state> self);

/// Ends what runs for a topic that is gone. Its directories go when the
/// partitions have closed.
void end_topic(broker_actor::stateful_pointer<broker_state> self,
  const topic_image& topic, broker_news& told);

} // namespace millrace
