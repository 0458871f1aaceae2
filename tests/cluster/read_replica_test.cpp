#include "cluster/read_replica.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// Brokers 1 to 4 in racks a, b, b and c.
struct brokers {
  metadata_image image;
  int64_t index = 0;

  brokers() {
    image.apply(cluster_created{"cluster"}, 0, 1);
    add(1, "a");
    add(2, "b");
    add(3, "b");
    add(4, "c");
  }

  void add(int32_t id, std::optional<std::string> rack, bool fenced = false) {
    broker_registered r;
    r.id = {id};
    r.endpoints = {{"PLAINTEXT", "host", static_cast<uint16_t>(9090 + id), 0}};
    r.rack = std::move(rack);
    r.broker_epoch = ++epoch;
    r.fenced = fenced;
    image.apply(r, ++index, 1);
  }

  [[nodiscard]] std::vector<node_id> in(
    std::string_view rack, int32_t leader = 1) const {
    partition_registration p;
    p.replicas = {{1}, {2}, {3}};
    p.leader = {leader};
    return followers_in_rack(p, rack, client_view{}, image);
  }

  int64_t epoch = 0;
};

using nodes = std::vector<node_id>;

} // namespace

TEST_CASE("a consumer may be sent to followers in its rack, if the leader is "
          "in another one (KIP-392)",
  "[cluster][read_replica]") {
  const brokers b;
  CHECK(b.in("b") == nodes{{2}, {3}});
  CHECK(b.in("a") == nodes{});       // the leader is there itself
  CHECK(b.in("a", 2) == nodes{{1}}); // another one leads
  CHECK(b.in("b", 2) == nodes{});    // though 3 is there, too
  CHECK(b.in("c") == nodes{});       // 4 has no replica
  CHECK(b.in("nowhere") == nodes{});
  CHECK(b.in("") == nodes{}); // the consumer says nothing
  CHECK(b.in("b", -1) == nodes{{2}, {3}});
}

TEST_CASE("no consumer is sent to a broker that is not there, or where it "
          "cannot get",
  "[cluster][read_replica]") {
  brokers b;
  b.add(2, "b", true);
  CHECK(b.in("b") == nodes{{3}});
  b.add(3, std::nullopt);
  CHECK(b.in("b") == nodes{});
  CHECK(b.in("") == nodes{}); // no rack is not one
  broker_registered silent;
  silent.id = {3};
  silent.rack = "b";
  silent.broker_epoch = 100;
  b.image.apply(silent, ++b.index, 1);
  CHECK(b.in("b") == nodes{});
}

TEST_CASE("of several followers the one that has most is read from",
  "[cluster][read_replica]") {
  const node_id a{2};
  const node_id b{3};
  struct {
    const char* what;
    std::vector<read_candidate> candidates;
    int64_t from;
    std::optional<node_id> chosen;
  } const cases[] = {
    {"nobody is there", {}, 0, std::nullopt},
    {"the only one", {{a, offset{0}, offset{10}}}, 5, a},
    {"its end is a place to wait at", {{a, offset{0}, offset{10}}}, 10, a},
    {"beyond its end", {{a, offset{0}, offset{10}}}, 11, std::nullopt},
    {"where its log starts", {{a, offset{4}, offset{10}}}, 4, a},
    {"below its start", {{a, offset{4}, offset{10}}}, 3, std::nullopt},
    {"not heard of yet", {{a, offset{0}, offset{-1}}}, 0, std::nullopt},
    {"the one that has more",
      {{a, offset{0}, offset{12}}, {b, offset{0}, offset{10}}}, 5, a},
    {"the only one that has it",
      {{a, offset{6}, offset{12}}, {b, offset{0}, offset{10}}}, 5, b},
    {"as much: who was caught up last",
      {{a, offset{0}, offset{10}, 50}, {b, offset{0}, offset{10}, 40}}, 5, a},
    {"as much, as late: the higher id",
      {{b, offset{0}, offset{10}, 50}, {a, offset{0}, offset{10}, 50}}, 5, b},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    CHECK(choose_read_replica(c.candidates, offset{c.from}) == c.chosen);
  }
}

TEST_CASE("consumers read in their racks only where that is asked for",
  "[cluster][read_replica]") {
  CHECK_FALSE(reads_in_rack(*parse_node_config({})));
  const auto with = [](const char* selector) {
    return parse_node_config({{"replica.selector.class", selector}});
  };
  CHECK_FALSE(reads_in_rack(*with("")));
  CHECK_FALSE(
    reads_in_rack(*with("org.apache.kafka.common.replica.LeaderSelector")));
  CHECK(reads_in_rack(*with("rack-aware")));
  CHECK(reads_in_rack(
    *with("org.apache.kafka.common.replica.RackAwareReplicaSelector")));
  const auto refused = with("com.example.Nearest");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().context
        == "Invalid value com.example.Nearest for configuration "
           "replica.selector.class: rack-aware "
           "(org.apache.kafka.common.replica.RackAwareReplicaSelector), or "
           "nothing, so that consumers read from leaders; other classes cannot "
           "be loaded");
}
