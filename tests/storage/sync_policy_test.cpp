#include "storage/sync_policy.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("a single log is synced for itself", "[storage][sync_policy]") {
  sync_policy policy;
  CHECK_FALSE(policy.together(1, 0));
  CHECK(policy.together(2, 0));
  CHECK(policy.together(100, 0));
}

TEST_CASE("a volume that is dear is left alone for ever longer",
  "[storage][sync_policy]") {
  sync_policy policy;
  for (int i = 0; i < 100; ++i)
    policy.note_alone(100);
  int64_t now = 0;
  policy.note_together(10, 300'000, now);
  CHECK_FALSE(policy.together(10, now));
  now += 250'000;
  CHECK(policy.together(10, now));
  policy.note_together(10, 50'000, now);
  CHECK_FALSE(policy.together(10, now + 250'000));
  CHECK(policy.together(10, now + 500'000));
  // Five minutes at most.
  for (int i = 0; i < 40; ++i)
    policy.note_together(10, 50'000, now);
  CHECK_FALSE(policy.together(10, now + 299'000'000));
  CHECK(policy.together(10, now + 300'000'000));
}

TEST_CASE(
  "a sync that takes long now and then is borne", "[storage][sync_policy]") {
  sync_policy policy;
  for (int64_t now = 0; now < 60'000'000; now += 1'000'000) {
    policy.note_together(10, 40'000, now);
    CHECK(policy.together(10, now));
    for (int i = 0; i < 20; ++i)
      policy.note_together(10, 500, now);
  }
  // Without those between it is not.
  int borne = 0;
  while (policy.together(10, 60'000'000) && borne < 100) {
    policy.note_together(10, 40'000, 60'000'000);
    ++borne;
  }
  CHECK(borne > 5);
  CHECK(borne < 10);
}

TEST_CASE("a volume that pays ends the long pauses", "[storage][sync_policy]") {
  sync_policy policy;
  for (int i = 0; i < 5; ++i)
    policy.note_together(2, 1'000'000, 0);
  policy.note_together(100, 1'000, 10'000'000);
  policy.note_together(2, 1'000'000, 10'000'000);
  CHECK(policy.together(2, 10'250'000));
}

TEST_CASE(
  "what a sync may cost grows with the logs", "[storage][sync_policy]") {
  sync_policy policy;
  for (int i = 0; i < 200; ++i)
    policy.note_alone(1'000);
  for (int i = 0; i < 100; ++i)
    policy.note_together(100, 60'000, 0);
  CHECK(policy.together(100, 0));
  for (int i = 0; i < 10; ++i)
    policy.note_together(10, 60'000, 0);
  CHECK_FALSE(policy.together(10, 0));
}

TEST_CASE("R6: after a failure the volume is not asked again",
  "[storage][sync_policy]") {
  sync_policy policy;
  policy.forbid();
  CHECK_FALSE(policy.together(1000, INT64_MAX));
}
