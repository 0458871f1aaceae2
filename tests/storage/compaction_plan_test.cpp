#include "storage/compaction_plan.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// Ten segments of ten offsets and 100 bytes; the i-th was written at i * 1000.
std::vector<compaction_candidate> ten() {
  std::vector<compaction_candidate> out;
  for (int64_t i = 0; i < 10; ++i)
    out.push_back({.base = {i * 10},
      .end = {i * 10 + 10},
      .size = 100,
      .oldest_ms = i * 1000,
      .youngest_ms = i * 1000 + 999});
  return out;
}

} // namespace

TEST_CASE("all sealed segments below the last stable offset are compacted",
  "[storage][compaction_plan]") {
  const auto plan = plan_compaction(
    ten(), {.clean_until = {30}, .stable_end = {75}, .now_ms = 100000}, {});
  REQUIRE(plan);
  CHECK(plan->segment_count == 7);
  CHECK(plan->first_dirty == offset{30});
  CHECK(plan->end == offset{70});
  CHECK(plan->clean_bytes == 300);
  CHECK(plan->dirty_bytes == 400);
}

TEST_CASE("nothing is to be done where nothing is dirty",
  "[storage][compaction_plan]") {
  CHECK_FALSE(plan_compaction(
    ten(), {.clean_until = {100}, .stable_end = {100}, .now_ms = 100000}, {}));
  CHECK_FALSE(plan_compaction(
    ten(), {.clean_until = {0}, .stable_end = {9}, .now_ms = 100000}, {}));
  CHECK_FALSE(plan_compaction(
    {}, {.clean_until = {0}, .stable_end = {9}, .now_ms = 100000}, {}));
}

TEST_CASE("records younger than min.compaction.lag.ms stay, and what follows",
  "[storage][compaction_plan]") {
  log_config config;
  config.min_compaction_lag_ms = 5000;
  // Segment 4 ends with 4999: exactly 5 s old.
  const auto plan = plan_compaction(
    ten(), {.clean_until = {0}, .stable_end = {100}, .now_ms = 9999}, config);
  REQUIRE(plan);
  CHECK(plan->end == offset{50});
}

TEST_CASE("a log is due by its dirty ratio, or by max.compaction.lag.ms",
  "[storage][compaction_plan]") {
  log_config config; // more than half
  const auto at = [&](int64_t clean_until) {
    const auto plan = plan_compaction(ten(),
      {.clean_until = {clean_until}, .stable_end = {100}, .now_ms = 10000},
      config);
    REQUIRE(plan);
    return plan->due(config);
  };
  CHECK(at(40));
  CHECK_FALSE(at(50));
  // The oldest dirty record is of 9000.
  config.max_compaction_lag_ms = 1000;
  CHECK_FALSE(at(90));
  config.max_compaction_lag_ms = 999;
  CHECK(at(90));
}

TEST_CASE("small segments are joined as far as one could hold them",
  "[storage][compaction_plan]") {
  log_config config;
  config.segment_bytes = 350;
  auto groups = group_segments(ten(), config);
  REQUIRE(groups.size() == 4);
  CHECK(groups[0].count == 3);
  CHECK(groups[3].first == 9);
  CHECK(groups[3].count == 1);
  // An index of 6 entries: one for each 20 bytes, and two more.
  config.index_interval_bytes = 50;
  config.segment_index_bytes = 72;
  groups = group_segments(ten(), config);
  CHECK(groups[0].count == 2);
}

TEST_CASE("segments are not joined where relative offsets would not fit",
  "[storage][compaction_plan]") {
  const std::vector<compaction_candidate> two{
    {.base = {0}, .end = {10}, .size = 1},
    {.base = {10}, .end = {(int64_t{1} << 31) + 1}, .size = 1}};
  CHECK(group_segments(two, {}).size() == 2);
  const std::vector<compaction_candidate> near{
    {.base = {0}, .end = {10}, .size = 1},
    {.base = {10}, .end = {int64_t{1} << 31}, .size = 1}};
  CHECK(group_segments(near, {}).size() == 1);
}
