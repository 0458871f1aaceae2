#include "cluster/placement.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace millrace;

namespace {

std::vector<usable_broker> brokers(int count, int racks) {
  std::vector<usable_broker> all;
  for (int i = 0; i < count; ++i)
    all.push_back(
      {{i}, racks == 0 ? std::nullopt
                       : std::optional{"rack-" + std::to_string(i % racks)}});
  return all;
}

} // namespace

TEST_CASE("one broker holds every partition", "[cluster][placement]") {
  const auto placed = place_replicas(brokers(1, 0), 0, 3, 1, 99);
  REQUIRE(placed.ok());
  CHECK(*placed == std::vector<std::vector<node_id>>{{{0}}, {{0}}, {{0}}});
}

TEST_CASE(
  "no broker is given two replicas of a partition", "[cluster][placement]") {
  for (int count = 1; count <= 7; ++count)
    for (int racks = 0; racks <= 3; ++racks)
      for (int16_t factor = 1; factor <= count; ++factor) {
        const auto placed
          = place_replicas(brokers(count, racks), 5, 20, factor, 3);
        REQUIRE(placed.ok());
        REQUIRE(placed->size() == 20);
        for (const auto& replicas : *placed)
          REQUIRE(std::set<node_id>{replicas.begin(), replicas.end()}.size()
                  == static_cast<size_t>(factor));
      }
}

TEST_CASE("leaders and replicas are spread evenly", "[cluster][placement]") {
  const auto placed = place_replicas(brokers(5, 0), 0, 50, 3, 12345);
  REQUIRE(placed.ok());
  std::map<int32_t, int> leads;
  std::map<int32_t, int> holds;
  for (const auto& replicas : *placed) {
    ++leads[replicas.front().value];
    for (const auto id : replicas)
      ++holds[id.value];
  }
  for (int i = 0; i < 5; ++i) {
    CHECK(leads[i] == 10);                     // 50 partitions / 5
    CHECK((holds[i] >= 27 && holds[i] <= 33)); // 150 replicas / 5 = 30
  }
}

TEST_CASE("the replicas of a partition are in as many racks as there are",
  "[cluster][placement]") {
  const auto placed = place_replicas(brokers(6, 3), 0, 30, 3, 1);
  REQUIRE(placed.ok());
  for (const auto& replicas : *placed) {
    std::set<int> racks;
    for (const auto id : replicas)
      racks.insert(id.value % 3);
    CHECK(racks.size() == 3);
  }
}

TEST_CASE("another seed begins with another leader", "[cluster][placement]") {
  std::set<int32_t> first_leaders;
  for (uint64_t seed = 0; seed < 4; ++seed)
    first_leaders.insert(
      place_replicas(brokers(4, 0), 0, 1, 1, seed)->front().front().value);
  CHECK(first_leaders.size() == 4);
}

TEST_CASE("partitions that come later go on where the first ones ended",
  "[cluster][placement]") {
  const auto all = place_replicas(brokers(4, 2), 0, 9, 2, 6);
  const auto more = place_replicas(brokers(4, 2), 5, 4, 2, 6);
  REQUIRE(all.ok());
  REQUIRE(more.ok());
  CHECK(std::vector(all->begin() + 5, all->end()) == *more);
}

TEST_CASE(
  "more replicas than brokers cannot be placed", "[cluster][placement]") {
  const auto placed = place_replicas(brokers(2, 0), 0, 1, 3, 0);
  REQUIRE_FALSE(placed.ok());
  CHECK(placed.error().code == errc::invalid_argument);
  CHECK_THAT(placed.error().context, Catch::Contains("only 2 broker(s)"));
}
