#pragma once

// Actors on CAF's test scheduler: nothing runs but when the test says so, and
// time stands still.

#include "schema/shared_bytes.hpp"
#include "simulation/sim_environment.hpp"
#include "storage/record_builder.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>

namespace millrace {

inline shared_bytes one_record() {
  record_builder builder{compression_codec::none};
  record_view record;
  record.timestamp_ms = 1000;
  record.value = "v";
  builder.add(record);
  auto made = builder.finish();
  REQUIRE(made.ok());
  return *made;
}

struct actor_fixture {
  struct test_config : caf::actor_system_config {
    test_config() {
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  sim_disks disks{1};
  sim_environment env{disks, 1, [] {
                        return int64_t{1000};
                      }};
  test_config config;
  caf::actor_system system{config};

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  /// Until nobody has anything to do.
  void run() {
    scheduler().run();
  }
  void pass(std::chrono::milliseconds time) {
    scheduler().advance_time(time);
    run();
  }
};

} // namespace millrace
