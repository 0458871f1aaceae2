#include "simulation/sim_file_system.hpp"
#include "storage/lost_ranges.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

lost_ranges::hole make_hole(int64_t first, int64_t end,
  int64_t segment_base = 0, uint64_t resume_position = 0) {
  return {offset{first}, offset{end}, offset{segment_base}, resume_position};
}

} // namespace

TEST_CASE("a lost range holds its offsets and nothing around them",
  "[storage][lost_ranges]") {
  lost_ranges lost;
  CHECK(lost.holding(offset{5}) == nullptr);
  REQUIRE(lost.add(make_hole(5, 8, 0, 700)));
  CHECK(lost.holding(offset{4}) == nullptr);
  REQUIRE(lost.holding(offset{5}) != nullptr);
  CHECK(lost.holding(offset{7})->end == offset{8});
  CHECK(lost.holding(offset{8}) == nullptr);
  CHECK(lost.next_above(offset{0}, offset{20}) == offset{5});
  CHECK(lost.next_above(offset{0}, offset{3}) == offset{3});
  CHECK(lost.next_above(offset{8}, offset{20}) == offset{20});
}

TEST_CASE("a search behind a lost range begins where reading goes on",
  "[storage][lost_ranges]") {
  lost_ranges lost;
  lost.add(make_hole(5, 8, 0, 700));
  lost.add(make_hole(10, 12, 0, 900));
  CHECK(lost.floor_for(offset{4}, offset{0}) == 0);
  CHECK(lost.floor_for(offset{8}, offset{0}) == 700);
  CHECK(lost.floor_for(offset{12}, offset{0}) == 900);
  CHECK(lost.floor_for(offset{12}, offset{3}) == 0);
  CHECK(lost.interrupt(offset{0}));
  CHECK_FALSE(lost.interrupt(offset{3}));
}

TEST_CASE("a lost range that grows takes the place of the smaller one",
  "[storage][lost_ranges]") {
  lost_ranges lost;
  CHECK(lost.add(make_hole(5, 8, 0, 700)));
  CHECK_FALSE(lost.add(make_hole(5, 8, 0, 700)));
  CHECK_FALSE(lost.add(make_hole(6, 7)));
  CHECK(lost.add(make_hole(5, 11, 0, 1100)));
  CHECK(lost.holding(offset{10}) != nullptr);
  CHECK(lost.floor_for(offset{9}, offset{0}) == 0); // 700 is forgotten
}

TEST_CASE("where reading goes on is known when nothing is missing any more",
  "[storage][lost_ranges]") {
  lost_ranges lost;
  lost.add(make_hole(5, 8, 0, 700));
  lost.add(make_hole(12, 14, 10, 300));
  lost.advance_start(offset{9});
  CHECK(lost.first() == offset{12});
  CHECK(lost.holding(offset{7}) == nullptr);
  CHECK(lost.next_above(offset{0}, offset{20}) == offset{12});
  CHECK(lost.floor_for(offset{9}, offset{0}) == 700);
  sim_file_system disk;
  REQUIRE(make_directory_durable(disk, "/data").ok());
  REQUIRE(lost.save(disk, "/data").ok());
  lost_ranges again;
  REQUIRE(again.load(disk, "/data").ok());
  CHECK(again.floor_for(offset{9}, offset{0}) == 700);
  CHECK(again.first() == offset{12});
}

TEST_CASE(
  "what is cut off a log is not lost any more", "[storage][lost_ranges]") {
  lost_ranges lost;
  lost.add(make_hole(2, 3));
  lost.add(make_hole(5, 8));
  CHECK_FALSE(lost.truncate_to(offset{8}));
  CHECK(lost.truncate_to(offset{5}));
  CHECK(lost.holding(offset{6}) == nullptr);
  CHECK(lost.holding(offset{2}) != nullptr);
  lost.advance_start(offset{3});
  CHECK(lost.holding(offset{2}) == nullptr);
}

TEST_CASE("lost ranges are durable once they are saved, and read back",
  "[storage][lost_ranges]") {
  sim_file_system disk;
  REQUIRE(make_directory_durable(disk, "/data").ok());
  lost_ranges lost;
  REQUIRE(lost.load(disk, "/data").ok()); // no file: nothing is lost
  lost.add(make_hole(5, 8, 3, 700));
  REQUIRE(lost.save(disk, "/data").ok());
  disk.crash(crash_policy::lose_unsynced);
  lost_ranges again;
  REQUIRE(again.load(disk, "/data").ok());
  REQUIRE(again.holding(offset{7}) != nullptr);
  CHECK(again.floor_for(offset{8}, offset{3}) == 700);
}

TEST_CASE("a file of lost ranges that makes no sense is refused",
  "[storage][lost_ranges]") {
  const std::string text = GENERATE("", "x", "1\n0\n", "0\n2\n5 8 0 700\n",
    "0\n1\n8 5 0 0\n", "0\n1\n-2 5 0 0\n");
  sim_file_system disk;
  REQUIRE(make_directory_durable(disk, "/data").ok());
  REQUIRE(replace_file(disk, "/data/millrace.lost-ranges", text).ok());
  lost_ranges lost;
  CHECK(lost.load(disk, "/data").error().code == errc::corrupt);
}
