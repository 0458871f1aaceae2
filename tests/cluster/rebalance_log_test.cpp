#include "cluster/rebalance_log.hpp"

#include <catch2/catch.hpp>

namespace millrace {

TEST_CASE(
  "a rebalance lasts until the group settles", "[cluster][rebalance_log]") {
  rebalance_log log;
  log.started(1, {"a", "joined"}, 1'000);
  log.started(2, {"b", "joined"}, 1'200);
  CHECK_FALSE(log.notes()[0].duration_ms);
  log.settled(1'500);
  CHECK(log.notes()[0].duration_ms == 500);
  CHECK(log.notes()[1].duration_ms == 300);
  log.started(3, {"a", "left"}, 2'000);
  log.settled(1'900); // the clock went back
  CHECK(log.notes()[2].duration_ms == 0);
  log.settled(9'000);
  CHECK(log.notes()[1].duration_ms == 300);
}

TEST_CASE("only the last rebalances are kept", "[cluster][rebalance_log]") {
  rebalance_log log;
  for (int32_t epoch = 1; epoch <= 40; ++epoch)
    log.started(epoch, {"a", "joined"}, epoch);
  REQUIRE(log.notes().size() == rebalance_log::notes_max);
  CHECK(log.notes().front().epoch == 25); // 40 - 16 + 1
  CHECK(log.notes().back().epoch == 40);
}

TEST_CASE(
  "what a client says is a part of the reason, if it is short (KIP-800)",
  "[cluster][rebalance_log]") {
  CHECK(with_words("left", std::nullopt) == "left");
  CHECK(with_words("left", "") == "left");
  CHECK(with_words("left", "is closed") == "left: is closed");
  CHECK(with_words("left", std::string(10'000, 'x')).size() < 300);
}

} // namespace millrace
