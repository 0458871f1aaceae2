#include "cluster/pending_offsets.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

const offset_key key{"g", "t", 0};

pending_offset at(int64_t committed, int64_t record) {
  pending_offset value;
  value.value.offset = committed;
  value.at = offset{record};
  return value;
}

} // namespace

TEST_CASE("R28: offsets are pending by producer, and what it commits last "
          "counts",
  "[cluster][pending_offsets]") {
  pending_offsets store;
  store.put({1}, key, at(5, 10));
  store.put({2}, key, at(6, 11));
  store.put({1}, key, at(7, 12));
  REQUIRE(store.find({1}, key));
  CHECK(*store.find({1}, key) == at(7, 12));
  CHECK(*store.find({2}, key) == at(6, 11));
  CHECK_FALSE(store.find({3}, key));
  const auto taken = store.take({1});
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].first == key);
  CHECK(taken[0].second == at(7, 12));
  CHECK_FALSE(store.find({1}, key));
  CHECK(store.knows(key));
  CHECK(store.take({1}).empty());
  CHECK(store.take({2}).size() == 1);
  CHECK_FALSE(store.knows(key));
}

TEST_CASE("a tombstone ends what every producer has pending of its key",
  "[cluster][pending_offsets]") {
  pending_offsets store;
  store.put({1}, key, at(5, 10));
  store.put({1}, {"g", "t", 1}, at(5, 10));
  store.put({2}, key, at(6, 11));
  CHECK(store.erase(key) == std::vector<producer_id>{{1}, {2}});
  CHECK(store.erase(key).empty());
  CHECK(store.take({2}).empty());
  const auto taken = store.take({1});
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].first.partition == 1);
}

TEST_CASE("R20: what is on its way is known, and not pending yet",
  "[cluster][pending_offsets]") {
  pending_offsets store;
  store.stage(key);
  store.stage(key);
  CHECK(store.knows(key));
  CHECK(store.knows("g"));
  CHECK_FALSE(store.find({1}, key));
  store.unstage(key); // lost
  CHECK(store.knows(key));
  store.unstage(key);
  store.put({1}, key, at(5, 10)); // durable
  store.stage(key);
  CHECK(store.take({1}).size() == 1);
  CHECK(store.knows(key)); // the next one
  store.unstage(key);
  CHECK_FALSE(store.knows("g"));
}

TEST_CASE(
  "groups and their keys are told apart", "[cluster][pending_offsets]") {
  pending_offsets store;
  store.put({1}, {"g", "u", -1}, at(1, 1));
  store.put({1}, {"g", "", 3}, at(1, 2));
  store.put({2}, {"g2", "t", 0}, at(1, 3));
  CHECK(
    store.keys("g") == std::vector<offset_key>{{"g", "", 3}, {"g", "u", -1}});
  CHECK(store.keys("g1").empty());
  CHECK_FALSE(store.knows("g1"));
  CHECK(store.knows("g2"));
  CHECK_FALSE(store.knows("g3"));
  CHECK(store.groups() == std::vector<std::string>{"g", "g2"});
  store.clear();
  CHECK(store.groups().empty());
  CHECK(store.take({1}).empty());
}

} // namespace millrace
