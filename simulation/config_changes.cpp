#include "simulation/config_changes.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int8_t topic_resource = 2;
constexpr int8_t broker_resource = 4;
/// Longer than any clock jumps.
constexpr uint64_t retention_ms_min = 30ull * 86'400'000;

std::string around(sim_world& world, uint64_t least) {
  return std::to_string(least + world.random(1'000'000));
}

/// From `least` replicas on, as many as there are.
std::string some_replicas(sim_world& world, int16_t least, int16_t replicas) {
  const auto from = std::min(least, replicas);
  return std::to_string(
    from + world.random(static_cast<uint64_t>(replicas - from) + 1));
}

/// Now and then the default again.
void maybe_reset(sim_world& world, admin_config_change& change) {
  if (world.random(4) == 0)
    change.value.reset();
}

} // namespace

std::string some_segment_ms(sim_world& world) {
  return std::to_string(1000 + world.random(20'000));
}

admin_config_change topic_config_change(sim_world& world,
  const std::string& topic, int16_t replicas, bool keeps_records) {
  admin_config_change change{topic_resource, topic, {}, {}};
  switch (world.random(5)) {
  case 0:
    change.key = "segment.bytes";
    change.value = around(world, 1'048'576);
    break;
  case 1:
    change.key = "max.message.bytes";
    change.value = around(world, 1'048'588);
    break;
  case 2:
    change.key = "retention.ms";
    change.value = around(world, retention_ms_min);
    break;
  case 3:
    change.key = "segment.ms";
    change.value = some_segment_ms(world);
    break;
  default:
    change.key = "min.insync.replicas";
    change.value = some_replicas(world, keeps_records ? 2 : 1, replicas);
  }
  maybe_reset(world, change);
  return change;
}

admin_config_change broker_config_change(
  sim_world& world, int32_t nodes, int16_t replicas) {
  admin_config_change change{broker_resource, {}, {}, {}};
  if (world.random(2) == 0)
    change.resource
      = std::to_string(1 + world.random(static_cast<uint64_t>(nodes)));
  switch (world.random(3)) {
  case 0:
    change.key = "log.segment.bytes";
    change.value = around(world, 1'048'576);
    break;
  case 1:
    change.key = "message.max.bytes";
    change.value = around(world, 1'048'588);
    break;
  default:
    change.key = "min.insync.replicas";
    change.value = some_replicas(world, 2, replicas);
    change.resource.clear(); // it is the topics' default, wherever they are
  }
  maybe_reset(world, change);
  return change;
}

} // namespace millrace
