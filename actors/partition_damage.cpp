#include "actors/partition_damage.hpp"

#include "actors/log.hpp"
#include "actors/partition_follower.hpp"
#include "actors/partition_leader.hpp"

#include <algorithm>

namespace millrace {

namespace {

bool others_have_it(const partition_state& s) {
  const auto& isr = s.options.registration.isr;
  return std::any_of(isr.begin(), isr.end(), [&](node_id id) {
    return id != s.options.node;
  });
}

} // namespace

bool look_for_damage(
  partition_actor::stateful_pointer<partition_state> self, offset at) {
  auto& s = self->state;
  // What is noted as lost keeps a replica from leading: of the last one that
  // is in sync, the rest is to be read.
  if (s.log->offline() || !others_have_it(s))
    return false;
  const bool known = s.log->first_lost().has_value();
  const auto damaged = s.log->look_for_damage(
    at, static_cast<size_t>(s.options.settings.replica_fetch_bytes_max));
  if (!damaged) {
    log::error("partition {}: whether it is damaged cannot be told: {}",
      to_string(s.options.name), to_string(damaged.error()));
    return false;
  }
  if (!*damaged)
    return false;
  if (!known)
    log::error("partition {}: what was written at offset {} cannot be read "
               "from this node's disk any more; other nodes have it",
      to_string(s.options.name), s.log->first_lost()->value);
  if (s.leads())
    look_after_followers(self);
  else if (s.follow)
    on_damage(self);
  return true;
}

} // namespace millrace
