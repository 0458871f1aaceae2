#include "tests/preload/promises.hpp"

#include <catch2/catch.hpp>

namespace millrace::preload {

namespace {

operation made(const std::string& topic, size_t arrived, size_t answered) {
  return {.kind = operation_kind::create,
    .acknowledged = answered != never,
    .at = {topic},
    .count = 1,
    .when = {arrived, answered}};
}

operation produced(
  int64_t value, int32_t count, int64_t base, size_t arrived, size_t answered) {
  return {.kind = operation_kind::produce,
    .acknowledged = answered != never,
    .at = {"t", 0},
    .producer = 1,
    .value = value,
    .count = count,
    .base_offset = base,
    .when = {arrived, answered}};
}

const topic_partition t0{"t", 0};

} // namespace

TEST_CASE("an acknowledged topic must be there, one asked for may be",
  "[preload][promises]") {
  const history done{made("t", 1, 4)};
  CHECK_FALSE(promises{done, 0}.check_topics({"t"}).empty());
  CHECK(promises{done, 3}.check_topics({"t"}).empty());
  CHECK(promises{done, 3}.check_topics({}).empty());
  CHECK(promises{done, 4}.check_topics({"t"}).empty());
  CHECK_FALSE(promises{done, 4}.check_topics({}).empty());
}

TEST_CASE("a deleted topic must be gone once that was answered",
  "[preload][promises]") {
  history done{made("t", 1, 2)};
  done.push_back({.kind = operation_kind::remove,
    .acknowledged = true,
    .at = {"t"},
    .when = {3, 5}});
  CHECK_FALSE(promises{done, 2}.check_topics({}).empty());
  CHECK(promises{done, 4}.check_topics({}).empty());
  CHECK(promises{done, 4}.check_topics({"t"}).empty());
  CHECK_FALSE(promises{done, 5}.check_topics({"t"}).empty());
}

TEST_CASE(
  "an acknowledged record must be at its offset", "[preload][promises]") {
  const history done{
    made("t", 1, 2), produced(10, 2, 0, 3, 6), produced(12, 1, 2, 4, never)};
  const promises before{done, 5};
  CHECK(before.check_records(t0, 0, {}).empty());
  CHECK(before.check_records(t0, 0, {{0, 10}}).empty());
  const promises after{done, 6};
  CHECK_FALSE(after.check_records(t0, 0, {}).empty());
  CHECK_FALSE(after.check_records(t0, 0, {{0, 10}}).empty());
  CHECK(after.check_records(t0, 0, {{0, 10}, {1, 11}}).empty());
  CHECK(after.check_records(t0, 0, {{0, 10}, {1, 11}, {2, 12}}).empty());
}

TEST_CASE("a record that is doubled, out of order, unknown or too early is "
          "noticed",
  "[preload][promises]") {
  const history done{
    made("t", 1, 2), produced(10, 2, 0, 3, 6), produced(12, 1, 2, 8, never)};
  const promises now{done, 7};
  CHECK_FALSE(now.check_records(t0, 0, {{0, 10}, {1, 11}, {2, 11}}).empty());
  CHECK_FALSE(now.check_records(t0, 0, {{0, 11}, {1, 10}}).empty());
  CHECK_FALSE(now.check_records(t0, 0, {{0, 10}, {1, 11}, {2, 12}}).empty());
  CHECK_FALSE(now.check_records(t0, 0, {{0, 10}, {2, 11}}).empty());
  CHECK_FALSE(now.check_records({"other", 0}, 0, {{0, 10}}).empty());
}

TEST_CASE("a topic that is made again has none of the old one's records",
  "[preload][promises]") {
  history done{made("t", 1, 2), produced(10, 1, 0, 3, 4)};
  done.push_back({.kind = operation_kind::remove,
    .acknowledged = true,
    .at = {"t"},
    .when = {5, 6}});
  done.push_back(made("t", 7, 8));
  CHECK(promises{done, 8}.check_records(t0, 0, {}).empty());
  CHECK_FALSE(promises{done, 8}.check_records(t0, 0, {{0, 10}}).empty());
}

TEST_CASE("a commit is not behind the last acknowledged one, and was asked "
          "for",
  "[preload][promises]") {
  const auto commit = [](int64_t value, size_t arrived, size_t answered) {
    return operation{.kind = operation_kind::commit,
      .acknowledged = answered != never,
      .at = t0,
      .group = "g",
      .value = value,
      .when = {arrived, answered}};
  };
  const history done{commit(5, 1, 2), commit(7, 3, never)};
  const promises now{done, 9};
  CHECK_FALSE(now.check_commit("g", t0, -1).empty());
  CHECK(now.check_commit("g", t0, 5).empty());
  CHECK_FALSE(now.check_commit("g", t0, 6).empty());
  CHECK(now.check_commit("g", t0, 7).empty());
  CHECK(promises{done, 1}.check_commit("g", t0, -1).empty());
}

TEST_CASE(
  "deleted records stay deleted, and none but those", "[preload][promises]") {
  history done{made("t", 1, 2), produced(10, 3, 0, 3, 4)};
  done.push_back({.kind = operation_kind::trim,
    .acknowledged = true,
    .at = t0,
    .value = 2,
    .when = {5, 7}});
  const std::vector<found_record> all{{0, 10}, {1, 11}, {2, 12}};
  const std::vector<found_record> rest{{2, 12}};
  CHECK_FALSE(promises{done, 4}.check_records(t0, 2, rest).empty());
  CHECK(promises{done, 6}.check_records(t0, 0, all).empty());
  CHECK(promises{done, 6}.check_records(t0, 2, rest).empty());
  CHECK_FALSE(promises{done, 7}.check_records(t0, 0, all).empty());
  CHECK(promises{done, 7}.check_records(t0, 2, rest).empty());
  CHECK_FALSE(promises{done, 7}.check_records(t0, 2, {}).empty());
  CHECK_FALSE(promises{done, 7}.check_records(t0, 3, {}).empty());
}

TEST_CASE("a producer id is not given twice", "[preload][promises]") {
  const history done{{.kind = operation_kind::producer_id,
    .acknowledged = true,
    .value = 3,
    .when = {1, 2}}};
  CHECK(promises{done, 1}.check_producer_id(3).empty());
  CHECK_FALSE(promises{done, 2}.check_producer_id(3).empty());
}

TEST_CASE("a history is read back as it was written", "[preload][promises]") {
  const history done{made("t", never, never), produced(10, 2, 0, never, never)};
  auto named = done;
  for (auto& o : named)
    o.request = {"c1", 7};
  const auto read = parse_history(to_text(named));
  REQUIRE(read.ok());
  CHECK(to_text(*read) == to_text(named));
  CHECK(parse_history("nonsense").error().code == errc::corrupt);
}

} // namespace millrace::preload
