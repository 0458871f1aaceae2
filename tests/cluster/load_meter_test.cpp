// What a node carries a second, from what its partitions have counted.

#include "cluster/load_meter.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

const uuid topic{1, 2};

} // namespace

TEST_CASE("a node carries what its partitions have counted, by the second",
  "[cluster][load_meter]") {
  load_meter meter;
  meter.note(topic, 0, {1'000, 0}, 0);
  meter.note(topic, 1, {0, 500}, 0);
  meter.note(topic, 2, {7, 7}, 0);
  // Nothing is known of how long the first bytes have taken.
  CHECK(meter.take(0).rates == byte_counts{});
  meter.note(topic, 0, {41'000, 5'000}, 5'000);
  meter.note(topic, 0, {51'000, 10'000}, 10'000);
  meter.note(topic, 1, {0, 100'500}, 10'000);
  meter.note(topic, 2, {7, 7}, 10'000);
  const auto load = meter.take(12'000);
  CHECK(load.rates == byte_counts{5'000, 11'000});
  CHECK(load.over_ms == 12'000); // since the first words
  CHECK(load.heaviest
        == std::vector<partition_load>{
          {topic, 1, {0, 10'000}}, {topic, 0, {5'000, 1'000}}});
}

TEST_CASE("every measurement begins where the one before has ended",
  "[cluster][load_meter]") {
  load_meter meter;
  meter.note(topic, 0, {0, 0}, 0);
  meter.note(topic, 0, {10'000, 0}, 10'000);
  CHECK(meter.take(15'000).rates.in == 1'000);
  CHECK(meter.take(25'000).rates.in == 0); // it has said nothing
  meter.note(topic, 0, {50'000, 0}, 30'000);
  const auto load = meter.take(31'000);
  CHECK(load.rates.in == 2'000); // 40,000 in 20 s
  CHECK(load.over_ms == 21'000);
}

TEST_CASE("a partition that was started anew counts from there",
  "[cluster][load_meter]") {
  load_meter meter;
  meter.note(topic, 0, {1'000'000, 1'000'000}, 0);
  meter.note(topic, 0, {10, 0}, 1'000);
  meter.note(topic, 0, {2'010, 0}, 2'000);
  CHECK(meter.take(2'000).rates == byte_counts{2'000, 0});
}

TEST_CASE("what is gone is carried no more", "[cluster][load_meter]") {
  load_meter meter;
  meter.note(topic, 0, {0, 0}, 0);
  meter.note(topic, 0, {1'000, 0}, 1'000);
  meter.forget(topic, 0);
  CHECK(meter.take(1'000) == node_load{});
}

TEST_CASE("only the heaviest partitions are named, however many there are",
  "[cluster][load_meter]") {
  load_meter meter;
  for (int32_t i = 0; i < 1'000; ++i) {
    meter.note(topic, i, {0, 0}, 0);
    meter.note(topic, i, {i, 0}, 1'000);
  }
  const auto load = meter.take(1'000);
  CHECK(load.rates.in == 999 * 1'000 / 2);
  REQUIRE(load.heaviest.size() == node_load::heaviest_max);
  for (size_t i = 0; i < load.heaviest.size(); ++i)
    CHECK(load.heaviest[i].partition == 999 - static_cast<int32_t>(i));
}
