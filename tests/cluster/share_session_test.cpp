#include "cluster/share_session.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

using partitions = std::vector<share_session_partition>;

const share_session_key member{"g", "m"};
constexpr uuid topic{1, 2};
constexpr auto fine = kafka_error::none;

partitions of(std::vector<int32_t> indexes) {
  partitions all;
  for (const auto index : indexes)
    all.push_back({topic, index});
  return all;
}

struct fixture {
  share_session_cache cache{2};

  share_fetch_plan fetch(int32_t epoch, const partitions& named = {},
    const partitions& forgotten = {}, bool acknowledges = false,
    const share_session_key& key = member, uint64_t connection = 7) {
    return cache.begin_fetch(
      key, {epoch, named, forgotten, acknowledges, connection});
  }
};

} // namespace

TEST_CASE(
  "a share session remembers what is fetched", "[cluster][share_session]") {
  fixture f;
  auto plan = f.fetch(0, of({0, 1, 1}));
  CHECK(plan.error == fine);
  CHECK(plan.partitions == of({0, 1}));
  plan = f.fetch(1, of({1, 2}), of({0}));
  CHECK(plan.error == fine);
  CHECK(plan.partitions == of({2, 1})); // each epoch begins elsewhere
  CHECK(f.fetch(2).partitions == of({1, 2}));
}

TEST_CASE(
  "an epoch that is not the next one is refused", "[cluster][share_session]") {
  fixture f;
  CHECK(f.fetch(1).error == kafka_error::share_session_not_found);
  CHECK(f.fetch(0, of({0})).error == fine);
  CHECK(f.fetch(2).error == kafka_error::invalid_share_session_epoch);
  CHECK(f.fetch(1).error == fine);
  CHECK(f.fetch(1).error == kafka_error::invalid_share_session_epoch);
  // Acknowledgements count, too.
  CHECK(f.cache.begin_acknowledge(member, 2) == fine);
  CHECK(f.cache.begin_acknowledge(member, 2)
        == kafka_error::invalid_share_session_epoch);
  CHECK(f.fetch(3).error == fine);
  CHECK(f.fetch(0, of({5})).partitions == of({5})); // anew
}

TEST_CASE("nothing is acknowledged before there is a share session",
  "[cluster][share_session]") {
  fixture f;
  CHECK(f.fetch(0, of({0}), {}, true).error == kafka_error::invalid_request);
  CHECK(f.cache.begin_acknowledge(member, 0)
        == kafka_error::invalid_share_session_epoch);
  CHECK(f.cache.begin_acknowledge(member, 1)
        == kafka_error::share_session_not_found);
  CHECK(f.cache.begin_acknowledge(member, -1)
        == kafka_error::share_session_not_found);
}

TEST_CASE("there are no more share sessions than there may be",
  "[cluster][share_session]") {
  fixture f;
  const share_session_key second{"g", "n"};
  const share_session_key third{"h", "m"};
  CHECK(f.fetch(0).error == fine);
  CHECK(f.fetch(0, {}, {}, false, second).error == fine);
  CHECK(f.fetch(0, {}, {}, false, third).error
        == kafka_error::share_session_limit_reached);
  CHECK(f.fetch(0).error == fine); // its own makes room
  CHECK(f.cache.end(second));
  CHECK(f.fetch(0, {}, {}, false, third).error == fine);
}

TEST_CASE("who has left hears of all that a share session has fetched",
  "[cluster][share_session]") {
  fixture f;
  CHECK(f.fetch(0, of({0, 1})).error == fine);
  CHECK(f.fetch(1, {}, of({0})).error == fine);
  CHECK(f.fetch(-1).ends);
  CHECK(f.cache.begin_acknowledge(member, -1) == fine);
  const auto ended = f.cache.end(member);
  REQUIRE(ended);
  CHECK(ended->partitions == of({1, 0}));
  CHECK_FALSE(f.cache.end(member));
  CHECK(f.fetch(-1).error == kafka_error::share_session_not_found);
}

TEST_CASE(
  "share sessions end with their connection", "[cluster][share_session]") {
  fixture f;
  CHECK(f.fetch(0, of({3})).error == fine);
  CHECK(f.fetch(0, {}, {}, false, {"g", "n"}, 8).error == fine);
  CHECK(f.cache.end_all_of(9).empty());
  const auto ended = f.cache.end_all_of(7);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].key == member);
  CHECK(ended[0].partitions == of({3}));
  CHECK(f.cache.size() == 1);
}
