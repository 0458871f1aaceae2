#include "net/chunk_pool.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("a chunk that nobody holds is filled from its start again",
  "[net][chunk_pool]") {
  chunk_pool pool{64, 4};
  auto* first = pool.free_space().data();
  {
    auto taken = pool.take(40);
    CHECK(taken.data() == first);
    CHECK(pool.free_space().data() == first + 40);
  }
  CHECK(pool.free_space().data() == first);
  CHECK(pool.chunk_count() == 1);
}

TEST_CASE("a chunk with less than a quarter free makes way for another",
  "[net][chunk_pool]") {
  chunk_pool pool{64, 4};
  auto* first = pool.free_space().data();
  auto held = pool.take(49); // 15 of 64 left
  auto second = pool.free_space();
  CHECK(second.size() == 64);
  CHECK(second.data() != first);
  CHECK(pool.chunk_count() == 2);
}

TEST_CASE(
  "a full pool lets a chunk go on living in its slices", "[net][chunk_pool]") {
  chunk_pool pool{64, 2};
  std::vector<shared_bytes> held;
  for (char c = 'a'; c < 'a' + 10; ++c) {
    auto space = pool.free_space();
    REQUIRE(space.size() == 64);
    std::fill(space.begin(), space.end(), std::byte(c));
    held.push_back(pool.take(64));
  }
  CHECK(pool.chunk_count() == 2);
  for (size_t i = 0; i < held.size(); ++i)
    CHECK(held[i].text() == std::string(64, static_cast<char>('a' + i)));
}
