#pragma once

// Partitions that lead alone, on a disk that syncs at once, with who compacts
// or copies their logs.

#include "actors/partition.hpp"
#include "storage/record_reader.hpp"
#include "tests/actors/actor_fixture.hpp"

#include <optional>

namespace millrace {

inline shared_bytes keyed(const std::string& key, const std::string& value) {
  record_builder builder;
  record_view record;
  record.timestamp_ms = 1000;
  record.key = key;
  record.value = value;
  builder.add(record);
  auto made = builder.finish();
  REQUIRE(made.ok());
  return *made;
}

struct partition_host : actor_fixture {
  caf::scoped_actor gateway{system};
  std::shared_ptr<write_budget> budget
    = std::make_shared<write_budget>(1 << 20);
  std::shared_ptr<file_cache> handles
    = std::make_shared<file_cache>(disks.files);
  std::vector<std::string> removed;
  sync_planner_actor planner;
  disk_actor disk;
  compactor_actor compacts; ///< may be null
  std::vector<partition_actor> partitions;

  partition_host() {
    // Syncs end at once.
    planner = system.spawn(
      [this](
        sync_planner_actor::pointer self) -> sync_planner_actor::behavior_type {
        return {
          [this, self](sync_ask& ask) {
            auto outcome = ask.job.run(disks.files);
            self->send(caf::actor_cast<partition_actor>(self->current_sender()),
              sync_done{ask.ticket, std::move(ask.job), std::move(outcome)});
          },
          [](gather_now) {},
          [](sync_ran&) {},
        };
      });
    disk = system.spawn([this]() -> disk_actor::behavior_type {
      return {
        [](sync_run&) {},
        [](const warm_ask&) {},
        [this](const remove_paths& ask) {
          removed.insert(removed.end(), ask.paths.begin(), ask.paths.end());
        },
      };
    });
    run();
  }

  ~partition_host() {
    for (const auto& one : partitions)
      end(one);
    if (compacts != nullptr)
      end(compacts);
    end(planner);
    end(disk);
    run();
  }

  template <class Actor>
  void end(const Actor& actor) {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }

  size_t start(int32_t index, const log_config& log) {
    const auto directory = "/data/t-" + std::to_string(index);
    REQUIRE(make_directory_durable(disks.files, directory).ok());
    partition_settings settings;
    settings.log = log;
    partition_registration registration;
    registration.epoch = leader_epoch{1};
    registration.leader = node_id{0};
    registration.replicas = registration.isr = {node_id{0}};
    partitions.push_back(system.spawn(partition, &env,
      partition_options{.name = {"t", index},
        .directory = directory,
        .settings = settings,
        .registration = registration,
        .node = node_id{0},
        .disk = disk,
        .syncs = planner,
        .handles = handles,
        .budget = budget,
        .compactor = compacts}));
    run();
    return partitions.size() - 1;
  }

  void produce(size_t which, const std::string& key, const std::string& value) {
    produce_many message;
    message.entries.push_back(
      {.ticket = 1, .batch = keyed(key, value), .acks = -1, .timeout_ms = -1});
    gateway->send(partitions[which], std::move(message));
    run();
    take<produce_results>();
  }

  template <class Answer>
  std::optional<Answer> take() {
    std::optional<Answer> taken;
    gateway->receive(
      [&](Answer& answer) {
        taken = std::move(answer);
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    return taken;
  }
};

} // namespace millrace
