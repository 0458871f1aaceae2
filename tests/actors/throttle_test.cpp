// Replicas that copy no faster than they may (KIP-73).

#include "tests/actors/replica_fixture.hpp"

using namespace millrace;
using namespace std::chrono_literals;

namespace {

/// Three nodes of which the third is away and not in sync, and thirty batches
/// of 1,000 bytes or little more that it lacks.
struct throttled_fixture : replica_fixture {
  static constexpr int batches = 30;

  throttled_fixture() {
    settings.replica_fetch_bytes_max = 1000; // so each answer is one batch
    crash(3);
    set_isr({1, 2});
    announce();
    for (int i = 0; i < batches; ++i)
      produce(1, static_cast<uint64_t>(i), std::string(930, 'x'), 1);
    settle();
    live(200ms);
    answers();
    size = look(1).size_bytes;
    REQUIRE(size > 29'000);
    REQUIRE(size < 31'000);
  }
  int64_t size = 0;

  void throttle_to(int32_t number, int64_t leading, int64_t following) {
    client->send(
      node(number).throttle_of_node, throttle_rates{leading, following});
    scheduler().run();
  }
  int64_t copied() {
    return look(3).size_bytes;
  }
  /// How long until node 3 has everything; 0: longer than a minute.
  std::chrono::milliseconds until_copied() {
    for (auto passed = 0ms; passed < 60s; passed += 10ms) {
      if (copied() == size)
        return passed;
      live(10ms);
    }
    return 0ms;
  }
};

} // namespace

TEST_CASE(
  "a leader sends no faster than its throttle allows", "[actors][throttle]") {
  throttled_fixture f;
  f.settings.throttled_leading = true;
  f.announce();
  f.throttle_to(1, 10'000, INT64_MAX);
  f.boot(3);
  f.live(1s);
  // A second, the credit of a tenth, and the one that overdraws.
  CHECK(f.copied() > 9'000);
  CHECK(f.copied() <= 12'100);
  // 30,000 bytes at 10,000 a second, of which one has passed.
  const auto rest = f.until_copied();
  CHECK(rest >= 1500ms);
  CHECK(rest <= 2200ms);
}

TEST_CASE(
  "a follower takes no faster than its throttle allows", "[actors][throttle]") {
  throttled_fixture f;
  f.settings.throttled_following = true;
  f.boot(3);
  f.throttle_to(3, INT64_MAX, 10'000);
  const auto time = f.until_copied();
  CHECK(time >= 2000ms);
  CHECK(time <= 3500ms);
}

TEST_CASE(
  "both throttles at once are no slower than one", "[actors][throttle]") {
  throttled_fixture f;
  f.settings.throttled_leading = f.settings.throttled_following = true;
  f.announce();
  f.throttle_to(1, 10'000, INT64_MAX);
  f.boot(3);
  f.throttle_to(3, INT64_MAX, 10'000);
  const auto time = f.until_copied();
  CHECK(time >= 2000ms);
  CHECK(time <= 4000ms);
}

TEST_CASE("a rate below one batch still goes on", "[actors][throttle]") {
  throttled_fixture f;
  f.settings.throttled_leading = true;
  f.announce();
  f.throttle_to(1, 100, INT64_MAX);
  f.boot(3);
  f.live(15s);
  CHECK(f.copied() >= 2'000);
  CHECK(f.copied() <= 4'000);
}

TEST_CASE(
  "what is taken off is not waited for any more", "[actors][throttle]") {
  throttled_fixture f;
  f.settings.throttled_leading = f.settings.throttled_following = true;
  f.announce();
  f.throttle_to(1, 1, INT64_MAX);
  f.boot(3);
  f.throttle_to(3, INT64_MAX, 1);
  f.live(5s);
  REQUIRE(f.copied() < 4'000);
  SECTION("by the brokers' rates") {
    f.throttle_to(1, INT64_MAX, INT64_MAX);
    f.throttle_to(3, INT64_MAX, INT64_MAX);
    CHECK(f.until_copied() <= 3s); // a question may have been lost on the way
  }
  SECTION("by the topic's list") {
    f.settings.throttled_leading = f.settings.throttled_following = false;
    ++f.registration.partition_epoch;
    f.announce();
    f.live(100ms);
    CHECK(f.copied() == f.size);
  }
}

TEST_CASE("who is in sync is never throttled", "[actors][throttle]") {
  throttled_fixture f;
  f.settings.throttled_leading = f.settings.throttled_following = true;
  f.announce();
  for (const auto number : {1, 2})
    f.throttle_to(number, 1, 1);
  for (uint64_t i = 100; i < 110; ++i)
    f.produce(1, i, std::string(930, 'x'));
  f.settle();
  CHECK(f.answers().size() == 10);
}

TEST_CASE("one that gets in sync while it waits for its turn waits no more",
  "[actors][throttle]") {
  throttled_fixture f;
  f.boot(3);
  f.live(100ms);
  REQUIRE(f.copied() == f.size);
  REQUIRE(f.proposals.size() == 1);
  // It lacks something again, and is throttled.
  f.settings.throttled_leading = f.settings.throttled_following = true;
  f.announce();
  f.throttle_to(1, 0, INT64_MAX);
  f.throttle_to(3, INT64_MAX, 0);
  f.produce(1, 100, std::string(930, 'x'));
  f.live(2s);
  CHECK(f.copied() == f.size);
  f.set_isr({1, 2, 3});
  f.announce();
  f.live(100ms);
  CHECK(f.copied() > f.size);
  CHECK(f.answers().size() == 1);
}
