#include "cluster/fetch_session.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr int16_t by_name = 12;
constexpr int16_t by_id = 13;

fetch_session_cache cache_of(int32_t slots) {
  return {slots, [n = std::make_shared<uint64_t>(100)] {
            return ++*n;
          }};
}

kafka::fetch_request::fetch_topic topic(
  const std::string& name, std::vector<int32_t> partitions) {
  kafka::fetch_request::fetch_topic t;
  t.topic = name;
  for (const auto index : partitions) {
    auto& p = t.partitions.emplace_back();
    p.partition = index;
    p.fetch_offset = index * 10;
    p.partition_max_bytes = 1000;
  }
  return t;
}

kafka::fetch_request request(int32_t session, int32_t epoch,
  std::vector<kafka::fetch_request::fetch_topic> topics = {}) {
  kafka::fetch_request r;
  r.session_id = session;
  r.session_epoch = epoch;
  r.topics = std::move(topics);
  return r;
}

fetch_outcome at(int64_t high_watermark) {
  return {kafka_error::none, high_watermark, 0, false, false};
}

fetch_outcome with_records(int64_t high_watermark) {
  return {kafka_error::none, high_watermark, 0, true, false};
}

fetch_outcome failed(kafka_error error) {
  return {error, -1, -1, false, false};
}

std::vector<std::string> names(const fetch_context& context) {
  std::vector<std::string> all;
  for (const auto& p : context.partitions())
    all.push_back(p.topic + "-" + std::to_string(p.partition));
  return all;
}

/// A fetch that must work, and of which nothing else matters.
void touch(const fetch_context& context) {
  CHECK(context.error() == kafka_error::none);
}

std::vector<bool> include_all(
  fetch_context& context, const fetch_outcome& outcome) {
  std::vector<bool> told;
  for (size_t i = 0; i < context.partitions().size(); ++i)
    told.push_back(context.include(i, outcome));
  return told;
}

} // namespace

TEST_CASE("a fetch of epoch -1 has no session and is told everything (C3)",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto context = cache.begin(request(0, -1, {topic("a", {0, 1})}), by_name, 0);
  CHECK(context.error() == kafka_error::none);
  CHECK(context.session_id() == 0);
  CHECK_FALSE(context.is_incremental());
  CHECK(names(context) == std::vector<std::string>{"a-0", "a-1"});
  CHECK(include_all(context, at(5)) == std::vector{true, true});
  CHECK(cache.size() == 0);
}

TEST_CASE("a fetch of epoch 0 opens a session and is told everything (C3)",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto context = cache.begin(request(0, 0, {topic("a", {0, 1})}), by_name, 0);
  CHECK(context.session_id() != 0);
  CHECK(include_all(context, at(5)) == std::vector{true, true});
  CHECK(cache.size() == 1);
  CHECK(cache.partition_count() == 2);
}

TEST_CASE("an incremental fetch is told only what changed (C3)",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto first = cache.begin(request(0, 0, {topic("a", {0, 1, 2})}), by_name, 0);
  include_all(first, at(5));
  const auto id = first.session_id();

  auto second = cache.begin(request(id, 1), by_name, 1);
  CHECK(second.error() == kafka_error::none);
  CHECK(second.session_id() == id);
  CHECK(second.is_incremental());
  REQUIRE(second.partitions().size() == 3);
  CHECK_FALSE(second.include(0, at(5)));
  CHECK(second.include(1, at(6)));
  auto moved_start = at(5);
  moved_start.log_start_offset = 3;
  CHECK(second.include(2, moved_start));

  auto third = cache.begin(request(id, 2), by_name, 2);
  CHECK_FALSE(third.include(1, at(6)));
  auto news = at(5);
  news.has_news = true;
  CHECK(third.include(0, news));
}

TEST_CASE("errors are told always, and so is their end (C3)",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto first = cache.begin(request(0, 0, {topic("a", {0})}), by_name, 0);
  include_all(first, at(5));
  const auto id = first.session_id();
  const auto error = failed(kafka_error::not_leader_or_follower);
  for (int32_t epoch = 1; epoch <= 3; ++epoch) {
    auto next = cache.begin(request(id, epoch), by_name, 1);
    CHECK(next.include(0, error));
  }
  auto healthy = cache.begin(request(id, 4), by_name, 1);
  CHECK(healthy.include(0, at(5)));
  auto quiet = cache.begin(request(id, 5), by_name, 1);
  CHECK_FALSE(quiet.include(0, at(5)));
}

TEST_CASE("what is named in an incremental fetch changes the session",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto first = cache.begin(request(0, 0, {topic("a", {1})}), by_name, 0);
  include_all(first, at(5));
  auto change = request(first.session_id(), 1, {topic("b", {0})});
  auto moved = topic("a", {1});
  moved.partitions[0].fetch_offset = 99;
  change.topics.push_back(moved);
  auto second = cache.begin(change, by_name, 1);
  CHECK(names(second) == std::vector<std::string>{"a-1", "b-0"});
  CHECK(second.partitions()[0].fetch_offset == 99);
  // New to the client: told, though nothing has happened there.
  CHECK(second.include(1, at(0)));
  // Remembered without being named again.
  auto third = cache.begin(request(first.session_id(), 2), by_name, 2);
  CHECK(third.partitions()[0].fetch_offset == 99);
}

TEST_CASE("forgotten topics are forgotten, by name and by id (C3)",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  SECTION("by name") {
    auto first = cache.begin(
      request(0, 0, {topic("a", {0, 1}), topic("b", {0})}), by_name, 0);
    auto change = request(first.session_id(), 1);
    change.forgotten_topics_data.push_back({"a", {}, {0}});
    auto second = cache.begin(change, by_name, 1);
    CHECK(names(second) == std::vector<std::string>{"a-1", "b-0"});
  }
  SECTION("by id") {
    auto a = topic("", {0, 1});
    a.topic_id = {1, 1};
    auto b = topic("", {0});
    b.topic_id = {2, 2};
    auto first = cache.begin(request(0, 0, {a, b}), by_id, 0);
    auto change = request(first.session_id(), 1);
    change.forgotten_topics_data.push_back({"", {1, 1}, {0, 1}});
    auto second = cache.begin(change, by_id, 1);
    REQUIRE(second.partitions().size() == 1);
    CHECK(second.partitions()[0].topic_id == uuid{2, 2});
  }
}

TEST_CASE(
  "a session that forgets everything ends", "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto first = cache.begin(request(0, 0, {topic("a", {0})}), by_name, 0);
  auto change = request(first.session_id(), 1);
  change.forgotten_topics_data.push_back({"a", {}, {0}});
  auto second = cache.begin(change, by_name, 1);
  CHECK(second.error() == kafka_error::none);
  CHECK(second.session_id() == 0);
  CHECK(second.partitions().empty());
  CHECK(cache.size() == 0);
}

TEST_CASE("an unknown session is FETCH_SESSION_ID_NOT_FOUND (C3)",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto context = cache.begin(request(77, 1), by_name, 0);
  CHECK(context.error() == kafka_error::fetch_session_id_not_found);
  CHECK(context.session_id() == 0);
  CHECK(context.partitions().empty());
}

TEST_CASE("a wrong epoch is INVALID_FETCH_SESSION_EPOCH, and does no harm (C3)",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto first = cache.begin(request(0, 0, {topic("a", {0})}), by_name, 0);
  const auto id = first.session_id();
  for (const int32_t epoch : {2, 5, -2}) {
    auto wrong = cache.begin(request(id, epoch), by_name, 1);
    CHECK(wrong.error() == kafka_error::invalid_fetch_session_epoch);
  }
  auto right = cache.begin(request(id, 1), by_name, 1);
  CHECK(right.error() == kafka_error::none);
  auto again = cache.begin(request(id, 1), by_name, 1);
  CHECK(again.error() == kafka_error::invalid_fetch_session_epoch);
}

TEST_CASE(
  "a session of names does not go on with ids", "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto first = cache.begin(request(0, 0, {topic("a", {0})}), by_name, 0);
  auto second = cache.begin(request(first.session_id(), 1), by_id, 1);
  CHECK(second.error() == kafka_error::fetch_session_topic_id_error);
}

TEST_CASE("what a full fetch names twice is fetched once, as it came last",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto again = topic("a", {0});
  again.partitions[0].fetch_offset = 77;
  auto context
    = cache.begin(request(0, -1, {topic("a", {0, 1}), again}), by_name, 0);
  CHECK(names(context) == std::vector<std::string>{"a-0", "a-1"});
  CHECK(context.partitions()[0].fetch_offset == 77);
}

TEST_CASE("what is named and forgotten at once is answered a last time",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  const auto id
    = cache.begin(request(0, 0, {topic("a", {0})}), by_name, 0).session_id();
  auto both = request(id, 1, {topic("a", {0})});
  both.forgotten_topics_data.emplace_back();
  both.forgotten_topics_data[0].topic = "a";
  both.forgotten_topics_data[0].partitions = {0};
  auto last = cache.begin(both, by_name, 1);
  CHECK(last.session_id() == 0);
  CHECK(names(last) == std::vector<std::string>{"a-0"});
  CHECK(include_all(last, at(5)) == std::vector{true});
  CHECK(cache.size() == 0);
}

TEST_CASE("a session may begin without partitions, which come later",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  const auto id = cache.begin(request(0, 0), by_name, 0).session_id();
  REQUIRE(id != 0);
  auto next = cache.begin(request(id, 1, {topic("a", {0})}), by_name, 1);
  CHECK(next.session_id() == id);
  CHECK(names(next) == std::vector<std::string>{"a-0"});
}

TEST_CASE(
  "a full fetch that names a session ends it", "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto first = cache.begin(request(0, 0, {topic("a", {0})}), by_name, 0);
  const auto id = first.session_id();
  SECTION("for a new one") {
    auto second = cache.begin(request(id, 0, {topic("a", {0})}), by_name, 1);
    CHECK(second.session_id() != id);
    CHECK(second.session_id() != 0);
    CHECK(cache.size() == 1);
  }
  SECTION("for none") {
    auto second = cache.begin(request(id, -1, {topic("a", {0})}), by_name, 1);
    CHECK(second.session_id() == 0);
    CHECK(cache.size() == 0);
  }
}

TEST_CASE("a full cache gives session id 0 and a full answer (C3)",
  "[cluster][fetch_session]") {
  auto cache = cache_of(2);
  for (int i = 0; i < 2; ++i)
    CHECK(cache.begin(request(0, 0, {topic("a", {0})}), by_name, 0).session_id()
          != 0);
  auto third = cache.begin(request(0, 0, {topic("a", {0})}), by_name, 0);
  CHECK(third.error() == kafka_error::none);
  CHECK(third.session_id() == 0);
  CHECK(include_all(third, at(1)) == std::vector{true});
  auto none = cache_of(0);
  CHECK(
    none.begin(request(0, 0, {topic("a", {0})}), by_name, 0).session_id() == 0);
}

TEST_CASE("the session that was unused longest goes when it is stale",
  "[cluster][fetch_session]") {
  auto cache = cache_of(2);
  auto a = cache.begin(request(0, 0, {topic("a", {0, 1})}), by_name, 0);
  auto b = cache.begin(request(0, 0, {topic("b", {0, 1})}), by_name, 10);
  CHECK(cache.begin(request(a.session_id(), 1), by_name, 100'000).error()
        == kafka_error::none);
  // b was last used at 10 and is stale after 120 s, a is not.
  auto c = cache.begin(request(0, 0, {topic("c", {0})}), by_name, 120'010);
  CHECK(c.session_id() == 0);
  c = cache.begin(request(0, 0, {topic("c", {0})}), by_name, 120'011);
  CHECK(c.session_id() != 0);
  CHECK(cache.evictions() == 1);
  CHECK(cache.begin(request(b.session_id(), 1), by_name, 120'011).error()
        == kafka_error::fetch_session_id_not_found);
  CHECK(cache.begin(request(a.session_id(), 2), by_name, 120'011).error()
        == kafka_error::none);
}

TEST_CASE("a bigger session pushes out a smaller one that had its time",
  "[cluster][fetch_session]") {
  auto cache = cache_of(1);
  auto small = cache.begin(request(0, 0, {topic("a", {0, 1})}), by_name, 0);
  touch(cache.begin(request(small.session_id(), 1), by_name, 119'000));
  CHECK(cache.begin(request(0, 0, {topic("b", {0, 1, 2})}), by_name, 119'999)
          .session_id()
        == 0);
  CHECK(cache.begin(request(0, 0, {topic("b", {0, 1})}), by_name, 120'000)
          .session_id()
        == 0);
  CHECK(cache.begin(request(0, 0, {topic("b", {0, 1, 2})}), by_name, 120'000)
          .session_id()
        != 0);
}

TEST_CASE("a follower's session pushes out a consumer's, not the other way",
  "[cluster][fetch_session]") {
  auto cache = cache_of(1);
  auto consumer
    = cache.begin(request(0, 0, {topic("a", {0, 1, 2})}), by_name, 0);
  touch(cache.begin(request(consumer.session_id(), 1), by_name, 119'000));
  auto follower = request(0, 0, {topic("a", {0})});
  follower.replica_id = 3;
  auto taken = cache.begin(follower, by_name, 120'000);
  CHECK(taken.session_id() != 0);
  touch(cache.begin(request(taken.session_id(), 1), by_name, 239'000));
  CHECK(cache.begin(request(0, 0, {topic("a", {0, 1, 2})}), by_name, 240'000)
          .session_id()
        == 0);
}

TEST_CASE(
  "what got records last comes last in the next fetch, but for those of "
  "the session's first",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto first = cache.begin(request(0, 0, {topic("a", {0, 1, 2})}), by_name, 0);
  CHECK(first.include(0, with_records(5)));
  CHECK(first.include(1, at(5)));
  CHECK(first.include(2, with_records(5)));
  auto second = cache.begin(request(first.session_id(), 1), by_name, 1);
  CHECK(names(second) == std::vector<std::string>{"a-0", "a-1", "a-2"});
  CHECK(second.include(0, with_records(5)));
  CHECK_FALSE(second.include(1, at(5)));
  CHECK(second.include(2, with_records(5)));
  auto third = cache.begin(request(first.session_id(), 2), by_name, 2);
  CHECK(names(third) == std::vector<std::string>{"a-1", "a-0", "a-2"});
  CHECK(third.include(1, with_records(5)));
}

TEST_CASE("an answer to a fetch whose session has ended harms nobody",
  "[cluster][fetch_session]") {
  auto cache = cache_of(10);
  auto first = cache.begin(request(0, 0, {topic("a", {0, 1})}), by_name, 0);
  auto parked = cache.begin(request(first.session_id(), 1), by_name, 1);
  auto change = request(first.session_id(), 2);
  change.forgotten_topics_data.push_back({"a", {}, {0}});
  auto next = cache.begin(change, by_name, 2);
  CHECK_FALSE(parked.include(0, with_records(7)));
  CHECK(parked.include(1, with_records(7)));
  touch(cache.begin(request(first.session_id(), -1), by_name, 3));
  CHECK(cache.size() == 0);
  CHECK(next.include(0, with_records(8)));
}

TEST_CASE(
  "session ids are positive and not given twice", "[cluster][fetch_session]") {
  // Random numbers that repeat, are zero and have the sign bit set.
  auto numbers = std::make_shared<std::vector<uint64_t>>(
    std::vector<uint64_t>{9, 9, 0x80000000, 0, 0xffffffff80000009, 5});
  fetch_session_cache cache{10, [numbers] {
                              const auto n = numbers->back();
                              numbers->pop_back();
                              return n;
                            }};
  std::set<int32_t> ids;
  for (int i = 0; i < 2; ++i)
    ids.insert(
      cache.begin(request(0, 0, {topic("a", {0})}), by_name, 0).session_id());
  CHECK(ids == std::set<int32_t>{5, 9});
}
