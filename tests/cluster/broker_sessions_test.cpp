#include "cluster/broker_sessions.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

using ids = std::set<node_id>;

} // namespace

TEST_CASE("a broker that is silent for longer than a session has expired",
  "[cluster][broker_sessions]") {
  broker_sessions sessions{1'000};
  CHECK(sessions.heard({1}, 5, 0));
  CHECK(sessions.heard({2}, 6, 0));
  for (int64_t now = 0; now <= 1'000; now += 100) {
    CHECK_FALSE(sessions.heard({2}, 6, now));
    CHECK(sessions.expired(now).empty());
  }
  CHECK(sessions.expired(1'001) == ids{{1}});
  CHECK(sessions.expired(1'001) == ids{{1}}); // until it is forgotten
  sessions.forget({1});
  CHECK(sessions.expired(1'002).empty());
}

TEST_CASE("a new leader grants full sessions and has heard nobody (R27)",
  "[cluster][broker_sessions]") {
  broker_sessions sessions{1'000};
  sessions.grant({1}, 5, 400);
  CHECK_FALSE(sessions.has_heard({1}));
  CHECK(sessions.expired(900).empty());
  CHECK(sessions.expired(1'400).empty());
  CHECK(sessions.expired(1'401) == ids{{1}});
  CHECK(sessions.heard({1}, 5, 1'401));
  CHECK(sessions.has_heard({1}));
  CHECK(sessions.expired(1'402).empty());
}

TEST_CASE("a leader that stood still does not take others for silent (R27)",
  "[cluster][broker_sessions]") {
  broker_sessions sessions{1'000};
  sessions.heard({1}, 5, 0);
  CHECK(sessions.expired(50).empty());
  // Ten seconds later its own timer fires again.
  CHECK(sessions.expired(10'000).empty());
  CHECK(sessions.expired(10'500).empty());
  CHECK(sessions.expired(11'000).empty());
  CHECK(sessions.expired(11'001) == ids{{1}});
}

TEST_CASE("what was decided at a first word is decided at the next one if it "
          "came to nothing",
  "[cluster][broker_sessions]") {
  broker_sessions sessions{1'000};
  CHECK(sessions.heard({1}, 5, 0));
  CHECK_FALSE(sessions.heard({1}, 5, 100));
  sessions.hear_again();
  CHECK_FALSE(sessions.has_heard({1}));
  CHECK(sessions.expired(900).empty()); // it is alive all the same
  CHECK(sessions.heard({1}, 5, 200));
}

TEST_CASE("a process that is gone has no session, until it is heard of again",
  "[cluster][broker_sessions]") {
  broker_sessions sessions{1'000};
  sessions.heard({1}, 5, 0);
  sessions.end({1});
  sessions.end({2}); // never heard of: nothing to end
  CHECK_FALSE(sessions.has_heard({1}));
  CHECK(sessions.expired(10) == ids{{1}});
  sessions.heard({1}, 6, 20);
  CHECK(sessions.expired(30).empty());
}

TEST_CASE("what an earlier incarnation says keeps no session alive",
  "[cluster][broker_sessions]") {
  broker_sessions sessions{1'000};
  sessions.heard({1}, 6, 0);
  CHECK_FALSE(sessions.heard({1}, 5, 900));
  CHECK(sessions.expired(450).empty());
  CHECK(sessions.expired(900).empty());
  CHECK(sessions.expired(1'001) == ids{{1}});
  // A new incarnation is heard for the first time.
  CHECK(sessions.heard({1}, 7, 1'001));
}

} // namespace millrace
