// A coordinator whose log says what nobody can read.

#include "actors/broker.hpp"
#include "simulation/actor_state.hpp"
#include "simulation/cluster_admin.hpp"
#include "simulation/cluster_committer.hpp"
#include "storage/record_builder.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace millrace;

namespace {

const std::string log_path
  = "/data/__consumer_offsets-0/00000000000000000000.log";

/// A sound batch whose record has no key that a group's record could have, to
/// go on where the log ends.
std::vector<std::byte> nonsense(std::span<const std::byte> log) {
  int64_t end = 0;
  int32_t epoch = 0;
  for (size_t at = 0; at < log.size();) {
    const batch_view batch{log.subspan(at)};
    end = batch.last_offset().value + 1;
    epoch = batch.epoch().value;
    at += static_cast<size_t>(batch.size());
  }
  record_builder builder{compression_codec::none};
  record_view record;
  record.timestamp_ms = 1;
  record.key = std::string_view{"\0", 1};
  record.value = "v";
  builder.add(record);
  auto made = builder.finish();
  REQUIRE(made.ok());
  const auto bytes = made->span();
  std::vector<std::byte> out(bytes.begin(), bytes.end());
  for (size_t i = 0; i < 8; ++i)
    out[i] = static_cast<std::byte>(end >> (56 - 8 * i));
  for (size_t i = 0; i < 4; ++i)
    out[12 + i] = static_cast<std::byte>(epoch >> (24 - 8 * i));
  return out;
}

void append_nonsense(sim_file_system& files) {
  const auto before = files.content(log_path);
  const auto bytes = nonsense(std::as_bytes(std::span{before}));
  auto file = files.open(log_path, open_mode::read_write);
  REQUIRE(file.ok());
  REQUIRE((*file)->write_at(before.size(), bytes).ok());
  REQUIRE((*file)->sync().ok());
}

} // namespace

TEST_CASE("a coordinator that cannot load its log tries again after a while, "
          "not at once and for ever (R21)",
  "[simulation][coordinator]") {
  sim_world world{5};
  sim_cluster cluster{
    world, {.nodes = 1,
             .controllers = 1,
             .settings
             = {{"offsets.topic.num.partitions", "1"}, {"log.dirs", "/data"}}}};
  sim_history history;
  cluster_clients clients{cluster, history};
  cluster_admin admin{clients, 1};
  cluster_committer committer{clients};
  cluster.start_all();
  bool is_made = false;
  admin.make_topic(clients.topic, [&] {
    is_made = true;
  });
  REQUIRE(cluster.run_until(
    [&] {
      return is_made;
    },
    20 * sim_second));
  committer.start();
  REQUIRE(cluster.run_until(
    [&] {
      return clients.acknowledged >= 3;
    },
    20 * sim_second));
  clients.stopping = true;
  cluster.damage(0, [](sim_disks& disks) {
    append_nonsense(disks.files);
  });
  const topic_partition log{"__consumer_offsets", 0};
  std::set<caf::actor_id> coordinators;
  uint64_t messages = 0;
  cluster.on_step = [&](int32_t, caf::actor_id) {
    // Without a pause no time goes by, and the run would never end.
    REQUIRE(++messages < 100'000);
    const auto* broker = state_of<broker_state>(cluster.node(0).core().broker);
    if (broker == nullptr)
      return;
    const auto at = broker->coordinators.find(log);
    if (at != broker->coordinators.end())
      coordinators.insert(at->second.actor->id());
  };
  cluster.run_for(60 * sim_second);
  CHECK(coordinators.size() >= 3);
  CHECK(coordinators.size() <= 20);
}
