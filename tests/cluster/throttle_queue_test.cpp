#include "cluster/throttle_queue.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace millrace;

namespace {

constexpr int64_t second = 1'000'000;
using turns = std::vector<throttle_queue::turn>;

} // namespace

TEST_CASE("without a rate everybody is let through at once",
  "[cluster][throttle_queue]") {
  throttle_queue queue;
  CHECK_FALSE(queue.next_us());
  queue.ask(1, 1 << 30);
  queue.ask(2, 1 << 30);
  CHECK(queue.next_us());
  CHECK(queue.due(0) == turns{{1, 1 << 30}, {2, 1 << 30}});
  CHECK_FALSE(queue.next_us());
}

TEST_CASE("a turn that is bigger than the rate goes whole, and the next one "
          "waits until it is paid for",
  "[cluster][throttle_queue]") {
  throttle_queue queue;
  queue.set_rate(100, 0);
  queue.ask(1, 1000);
  queue.ask(2, 10);
  CHECK(queue.due(0) == turns{{1, 1000}});
  CHECK(queue.next_us() == 10 * second);
  CHECK(queue.due(10 * second - 1).empty());
  CHECK(queue.due(10 * second) == turns{{2, 10}});
}

TEST_CASE("turns come in the order of asking", "[cluster][throttle_queue]") {
  throttle_queue queue;
  queue.set_rate(1000, 0);
  for (uint64_t i = 1; i <= 3; ++i)
    queue.ask(i, 1000);
  CHECK(queue.due(0) == turns{{1, 1000}});
  queue.ask(1, 1); // though it is small
  CHECK(queue.due(second) == turns{{2, 1000}});
  CHECK(queue.due(2 * second) == turns{{3, 1000}});
  CHECK(queue.due(3 * second) == turns{{1, 1}});
}

TEST_CASE("what was charged and not moved is there for the next one",
  "[cluster][throttle_queue]") {
  throttle_queue queue;
  queue.set_rate(1000, 0);
  queue.ask(1, 5000);
  queue.ask(2, 1000);
  REQUIRE(queue.due(0).size() == 1);
  queue.give_back(4000, 0);
  CHECK(queue.next_us() == second);
  queue.give_back(-1000, 0); // more than was said
  CHECK(queue.next_us() == 2 * second);
}

TEST_CASE("a long silence is worth no more than a tenth of a second",
  "[cluster][throttle_queue]") {
  throttle_queue queue;
  queue.set_rate(1000, 0);
  for (uint64_t i = 1; i <= 300; ++i)
    queue.ask(i, 1);
  // The credit, and the one that overdraws it.
  CHECK(queue.due(int64_t{1} << 60).size() == 101);
}

TEST_CASE("a rate of nothing holds everybody until there is another one",
  "[cluster][throttle_queue]") {
  throttle_queue queue;
  queue.set_rate(0, 0);
  queue.ask(1, 1);
  CHECK(queue.due(1000 * second).empty());
  CHECK_FALSE(queue.next_us());
  queue.set_rate(1, 1000 * second);
  CHECK(queue.due(1000 * second) == turns{{1, 1}});
}

TEST_CASE(
  "debts of an earlier rate are forgiven", "[cluster][throttle_queue]") {
  throttle_queue queue;
  queue.set_rate(1, 0);
  queue.ask(1, 1'000'000);
  REQUIRE(queue.due(0).size() == 1);
  queue.ask(2, 1);
  queue.set_rate(throttle_queue::unbounded, second);
  CHECK(queue.due(second) == turns{{2, 1}});
}

TEST_CASE("over any time no more goes than the rate allows, and everybody's "
          "turn comes",
  "[cluster][throttle_queue]") {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    const auto upto = [&](int64_t n) {
      return std::uniform_int_distribution<int64_t>{1, n}(random);
    };
    const auto rate = upto(10'000'000);
    throttle_queue queue;
    queue.set_rate(rate, 0);
    constexpr int64_t biggest = 1 << 20;
    int64_t now = 0;
    int64_t moved = 0;
    int64_t last = 0; // bytes of those that are let through at the end
    std::map<uint64_t, int64_t> waiting;
    uint64_t asked = 0;
    uint64_t let_through = 0;
    while (let_through < 500) {
      if (asked < 500 && upto(3) != 1) {
        waiting[++asked] = upto(biggest);
        queue.ask(asked, waiting[asked]);
      } else {
        const auto next = queue.next_us();
        now = std::max(now, next.value_or(now)) + upto(1000);
      }
      for (const auto& turn : queue.due(now)) {
        CHECK(turn.ticket == ++let_through);
        const auto used = upto(waiting[turn.ticket]);
        queue.give_back(turn.bytes - used, now);
        moved += used;
        last = used;
      }
      const auto allowed
        = (static_cast<double>(now) / 1e6 + 0.1) * static_cast<double>(rate);
      REQUIRE(static_cast<double>(moved - last) <= allowed + biggest);
    }
  }
}
