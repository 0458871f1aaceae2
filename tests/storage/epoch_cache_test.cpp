#include "storage/epoch_cache.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

epoch_cache of(std::vector<epoch_start> entries) {
  epoch_cache cache;
  for (const auto& e : entries)
    cache.assign(e.epoch, e.start);
  return cache;
}

const std::vector<epoch_start> three{{{1}, {0}}, {{3}, {10}}, {{4}, {20}}};

} // namespace

TEST_CASE("an epoch begins once", "[storage][epoch_cache]") {
  auto cache = of(three);
  CHECK(cache.entries() == three);
  CHECK_FALSE(cache.assign({4}, {25}));
  CHECK_FALSE(cache.assign({-1}, {25}));
  CHECK(cache.assign({5}, {25}));
  CHECK(cache.last_epoch() == leader_epoch{5});
}

TEST_CASE("what was never committed is replaced", "[storage][epoch_cache]") {
  auto cache = of(three);
  CHECK(cache.assign({6}, {10}));
  CHECK(cache.entries() == std::vector<epoch_start>{{{1}, {0}}, {{6}, {10}}});
}

TEST_CASE("an epoch goes on after one that was chosen and wrote nothing",
  "[storage][epoch_cache]") {
  auto cache = of(three);
  cache.assign({5}, {30}); // chosen, without a batch
  CHECK(cache.assign({4}, {30}));
  CHECK(cache.entries() == three);
  // Not from 30 on: whoever asks where epoch 3 ended would keep what is of 4.
  CHECK(cache.end_offset_for({3}, {40}) == epoch_end{{3}, {20}});
  CHECK_FALSE(cache.assign({4}, {35}));
}

TEST_CASE("the end of an epoch is where the next one begins (KIP-279)",
  "[storage][epoch_cache]") {
  const auto cache = of(three);
  CHECK(cache.end_offset_for({1}, {30}) == epoch_end{{1}, {10}});
  CHECK(cache.end_offset_for({2}, {30}) == epoch_end{{1}, {10}});
  CHECK(cache.end_offset_for({4}, {30}) == epoch_end{{4}, {30}});
  CHECK(cache.end_offset_for({9}, {30}) == epoch_end{{4}, {30}});
  CHECK(cache.end_offset_for({0}, {30}) == epoch_end{{0}, {0}});
  CHECK(cache.end_offset_for({-1}, {30}) == epoch_end{});
  CHECK(epoch_cache{}.end_offset_for({1}, {30}) == epoch_end{});
}

TEST_CASE(
  "the epoch of an offset is the last that began", "[storage][epoch_cache]") {
  const auto cache = of(three);
  CHECK(cache.epoch_at({9}) == leader_epoch{1});
  CHECK(cache.epoch_at({10}) == leader_epoch{3});
  CHECK(cache.epoch_at({99}) == leader_epoch{4});
}

TEST_CASE("epochs are cut at both ends", "[storage][epoch_cache]") {
  auto cache = of(three);
  cache.truncate_to({20});
  CHECK(cache.last_epoch() == leader_epoch{3});
  cache.advance_start({12});
  CHECK(cache.entries() == std::vector<epoch_start>{{{3}, {12}}});
}

TEST_CASE("the checkpoint is Kafka's", "[storage][epoch_cache]") {
  const auto cache = of(three);
  CHECK(cache.encode() == "0\n3\n1 0\n3 10\n4 20\n");
  auto back = epoch_cache::decode(cache.encode());
  REQUIRE(back.ok());
  CHECK(back->entries() == three);
  for (const auto* bad : {"", "1\n0\n", "0\n", "0\n1\n", "0\n1\n1 2", "0\n0\nx",
         "0\n2\n3 1\n2 5\n", "0\n1\n1 2 3\n", "0\n1\nx 2\n"})
    CHECK_FALSE(epoch_cache::decode(bad).ok());
  auto named = epoch_cache::decode("0\n2\n1 2\nfoo\n");
  CHECK(named.error().context.find("line 4") != std::string::npos);
}
