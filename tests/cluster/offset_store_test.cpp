#include "cluster/offset_store.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

const offset_key key{"g", "t", 0};

committed_offset at(int64_t offset) {
  committed_offset value;
  value.offset = offset;
  return value;
}

int64_t committed(const offset_store& store) {
  const auto* value = store.committed("g", "t", 0);
  return value ? value->offset : -1;
}

int64_t latest(const offset_store& store) {
  const auto* value = store.latest("g", "t", 0);
  return value ? value->offset : -1;
}

} // namespace

TEST_CASE("R20: what is staged is seen by decisions and not by fetches",
  "[cluster][offset_store]") {
  offset_store store;
  store.stage(1, key, at(5));
  CHECK(committed(store) == -1);
  CHECK(latest(store) == 5);
  store.apply(1, key, at(5), offset{0});
  CHECK(committed(store) == 5);
  CHECK(latest(store) == 5);
}

TEST_CASE(
  "R20: a dropped offset leaves the committed one", "[cluster][offset_store]") {
  offset_store store;
  store.apply(0, key, at(3), offset{0});
  store.stage(1, key, at(5));
  store.drop(1, key);
  CHECK(committed(store) == 3);
  CHECK(latest(store) == 3);
}

TEST_CASE("of several staged offsets the last one is the latest",
  "[cluster][offset_store]") {
  offset_store store;
  store.stage(1, key, at(5));
  store.stage(2, key, at(6));
  store.stage(2, key, at(7)); // twice in one commit
  CHECK(latest(store) == 7);
  store.apply(1, key, at(5), offset{0});
  CHECK(committed(store) == 5);
  CHECK(latest(store) == 7);
  store.apply(2, key, at(6), offset{0});
  store.apply(2, key, at(7), offset{0});
  CHECK(committed(store) == 7);
}

TEST_CASE("a staged erasure hides the offset from decisions only",
  "[cluster][offset_store]") {
  offset_store store;
  store.apply(0, key, at(3), offset{0});
  store.stage(1, key, {});
  CHECK(committed(store) == 3);
  CHECK(latest(store) == -1);
  CHECK_FALSE(store.has_latest("g"));
  CHECK(store.knows("g"));
  store.apply(1, key, {}, offset{0});
  CHECK_FALSE(store.knows("g"));
  CHECK(store.groups().empty());
}

TEST_CASE(
  "dropping what is not there changes nothing", "[cluster][offset_store]") {
  offset_store store;
  store.drop(1, key);
  CHECK_FALSE(store.knows("g"));
  store.apply(0, key, at(3), offset{0});
  store.drop(1, {"g", "other", 2});
  CHECK(store.groups() == std::vector<std::string>{"g"});
  CHECK(committed(store) == 3);
}

TEST_CASE("offsets are visited in order of topic and partition",
  "[cluster][offset_store]") {
  offset_store store;
  store.apply(0, {"g", "b", 0}, at(1), offset{0});
  store.apply(0, {"g", "a", 10}, at(2), offset{0});
  store.apply(0, {"g", "a", 9}, at(3), offset{0});
  store.apply(0, {"h", "a", 1}, at(4), offset{0});
  std::vector<int64_t> seen;
  store.for_each_committed(
    "g", [&](const std::string&, int32_t, const committed_offset& value) {
      seen.push_back(value.offset);
    });
  CHECK(seen == std::vector<int64_t>{3, 2, 1});
}

} // namespace millrace
