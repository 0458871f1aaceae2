#include "storage/offset_map.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>

using namespace millrace;

namespace {

std::span<const std::byte> bytes_of(const std::string& key) {
  return std::as_bytes(std::span{key});
}

} // namespace

TEST_CASE("the newest offset of each key is told, whatever the order of keys",
  "[storage][offset_map]") {
  std::mt19937_64 rng{3};
  offset_map map{rng()};
  map.reset(offset{1000}, 5000, 1u << 20);
  std::map<std::string, int64_t> model;
  for (int64_t at = 1000; at < 6000; ++at) {
    const auto key = std::to_string(rng() % 2000);
    REQUIRE(map.has_room(1, offset{at}));
    map.put(map.hash(bytes_of(key)), offset{at});
    model[key] = at;
  }
  CHECK(map.size() == model.size());
  for (const auto& [key, at] : model)
    REQUIRE(map.newest(map.hash(bytes_of(key))) == offset{at});
  CHECK(map.newest(map.hash(bytes_of("another"))) == offset{-1});
}

TEST_CASE("a map takes 14 keys where it has room for 16 slots, and no more "
          "memory than it may",
  "[storage][offset_map]") {
  offset_map map{1};
  map.reset(offset{0}, UINT64_MAX, 1u << 20);
  CHECK(map.memory_bytes() == 1u << 20);
  uint64_t taken = 0;
  while (map.has_room(1, offset{0}))
    map.put(map.hash(bytes_of(std::to_string(taken++))), offset{0});
  // 2^20 / 16 slots, 7/8 of them.
  CHECK(taken == 57344);
  for (uint64_t i = 0; i < taken; ++i)
    REQUIRE(map.newest(map.hash(bytes_of(std::to_string(i)))) == offset{0});
}

TEST_CASE("a map that is reset knows nothing, and is as small as its keys",
  "[storage][offset_map]") {
  offset_map map{1};
  map.reset(offset{0}, 1000000, 64u << 20);
  map.put(map.hash(bytes_of("a")), offset{5});
  map.reset(offset{10}, 100, 64u << 20);
  CHECK(map.newest(map.hash(bytes_of("a"))) == offset{-1});
  CHECK(map.memory_bytes() < 4096);
  map.put(map.hash(bytes_of("a")), offset{10});
  CHECK(map.newest(map.hash(bytes_of("a"))) == offset{10});
}

TEST_CASE("offsets reach 2^40 above the first one", "[storage][offset_map]") {
  offset_map map{1};
  const offset first{int64_t{1} << 50};
  map.reset(first, 10, 1u << 20);
  const auto furthest = first + ((int64_t{1} << 40) - 2);
  CHECK(map.has_room(1, furthest));
  CHECK_FALSE(map.has_room(1, furthest + int64_t{1}));
  map.put(map.hash(bytes_of("a")), furthest);
  CHECK(map.newest(map.hash(bytes_of("a"))) == furthest);
}
