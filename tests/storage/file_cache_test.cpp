#include "simulation/sim_file_system.hpp"
#include "storage/file_cache.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("the file that was used least recently is closed first",
  "[storage][file_cache]") {
  sim_file_system disk;
  file_cache cache{disk, 2};
  for (const auto* path : {"/a", "/b", "/c"})
    REQUIRE(cache.create(path).ok());
  CHECK(cache.size() == 2);
  disk.limit_handles(2); // b and c are open
  REQUIRE(cache.open("/b").ok());
  REQUIRE(cache.open("/c").ok());
  REQUIRE(cache.open("/b").ok());
  disk.limit_handles(3);
  REQUIRE(cache.open("/a").ok()); // instead of c
  disk.limit_handles(2);
  REQUIRE(cache.open("/b").ok());
  CHECK(cache.open("/c").error().code == errc::out_of_handles);
}

TEST_CASE(
  "a file that somebody holds outlives its place", "[storage][file_cache]") {
  sim_file_system disk;
  file_cache cache{disk, 1};
  auto held = cache.create("/a");
  REQUIRE(held.ok());
  REQUIRE(cache.create("/b").ok());
  const std::array bytes{std::byte{7}};
  CHECK((*held)->write_at(0, std::span<const std::byte>{bytes}).ok());
  auto again = cache.open("/a");
  REQUIRE(again.ok());
  CHECK(*(*again)->size() == 1);
}

TEST_CASE("a forgotten path is opened anew", "[storage][file_cache]") {
  sim_file_system disk;
  file_cache cache{disk};
  auto old = cache.create("/a");
  cache.forget("/a");
  REQUIRE(disk.remove("/a").ok());
  CHECK(cache.open("/a").error().code == errc::not_found);
  CHECK(cache.size() == 0);
}
