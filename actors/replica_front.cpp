#include "actors/replica_front.hpp"

#include "actors/environment.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "schema/replica_codec.hpp"

namespace millrace {

namespace {

using self_pointer = replica_front_actor::stateful_pointer<replica_front_state>;

void complain(self_pointer self, node_id from, const error& why) {
  auto& next = self->state.next_complaint_ms[from];
  const auto now = monotonic_ms(*self);
  if (now < next)
    return;
  next = now + 60'000;
  log::warn("what node {} sends about replicas is not understood: {}",
    from.value, to_string(why));
}

void hand_on(self_pointer self, const from_node& in) {
  auto message = decode_replica_message(in.message);
  if (!message) {
    complain(self, in.node, message.error());
    return;
  }
  const auto& places = self->state.places;
  if (const auto at = places.find({message->topic, message->partition});
    at != places.end())
    tell(self, at->second, from_replica{in.node, std::move(*message)});
}

} // namespace

replica_front_actor::behavior_type replica_front(self_pointer self) {
  return {
    [=](const from_node& in) {
      hand_on(self, in);
    },
    [=](const link_change& change) {
      if (change.state != link_state::up)
        return; // silence is not believed before its time
      for (const auto& [about, actor] : self->state.places)
        tell(self, actor, link_change{change});
    },
    [=](const replica_place& place) {
      auto& places = self->state.places;
      if (place.actor != nullptr)
        places[{place.topic, place.partition}] = place.actor;
      else
        places.erase({place.topic, place.partition});
    },
  };
}

} // namespace millrace
