#include "simulation/sim_run.hpp"

#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/find_coordinator.hpp"
#include "schema/kafka_error.hpp"
#include "simulation/cluster_run.hpp"
#include "simulation/sim_workload.hpp"

#include <cstdio>

namespace millrace {

namespace {

constexpr int32_t partition_count = 3;
constexpr int32_t producer_count = 5;
/// A run that is not done by then makes no progress.
constexpr sim_time patience = 3600 * sim_second;

class sim_run {
public:
  explicit sim_run(const sim_options& options)
      : options_(options), world_(options.seed),
        node_(world_,
          {{"offsets.topic.num.partitions", "2"},
            {"log.segment.bytes", "1048576"},
            // The clock jumps, and the records' times do not.
            {"log.message.timestamp.after.max.ms", std::to_string(INT64_MAX)},
            {"group.initial.rebalance.delay.ms", "0"}}),
        link_(world_, node_),
        clients_{world_, link_, history_, partition_count},
        admin_(world_, link_) {
    report_.seed = options.seed;
  }

  sim_report run() {
    boot();
    create_topic();
    plan_fault();
    while (history_.failure().empty() && step()) {
      if (clients_.acknowledged >= options_.operations && !clients_.stopping)
        clients_.stopping = true; // and faults end with it
      if (clients_.stopping && all_idle() && final_ == nullptr) {
        final_ = std::make_unique<sim_final_read>(clients_);
        final_->start();
      }
      if (final_ != nullptr && final_->done())
        break;
      if (world_.now() > patience)
        history_.fail("progress: the clients come to an end");
    }
    finish_report();
    return report_;
  }

private:
  /// Everything that is ready runs; then time goes on to what comes next.
  bool step() {
    while (node_.settle() || world_.advance_to(world_.now())) {
    }
    const auto next = std::min(world_.next_event(), node_.next_timer());
    if (next == INT64_MAX) {
      history_.fail("progress: nothing is going to happen any more");
      return false;
    }
    world_.advance_to(next);
    node_.advance();
    if (node_.failed()) {
      ++report_.restarts;
      down([this] {
        node_.kill();
      });
    }
    return true;
  }

  void boot() {
    if (node_.running())
      return;
    auto up = node_.boot();
    if (up)
      return;
    // The fault met the start itself, which `serve` repeats.
    const auto why = up.error().code;
    if ((disk_is_full_ && why == errc::out_of_space)
        || (report_.failed_syncs > 0 && why == errc::io_error)) {
      node_.kill();
      world_.after(100 * sim_ms, [this] {
        boot();
      });
    } else {
      history_.fail(
        "a node starts on what a crash leaves: " + to_string(up.error()));
    }
  }

  void create_topic() {
    kafka::create_topics_request request;
    request.timeout_ms = 30'000;
    auto& topic = request.topics.emplace_back();
    topic.name = sim_topic;
    topic.num_partitions = partition_count;
    topic.replication_factor = 1;
    admin_.request<kafka::create_topics_response>(kafka::api_key::create_topics,
      7, request, [this](const kafka::create_topics_response* response) {
        const auto code
          = response == nullptr || response->topics.empty()
              ? kafka_error::network_exception
              : static_cast<kafka_error>(response->topics.front().error_code);
        if (code == kafka_error::none
            || code == kafka_error::topic_already_exists)
          start_clients();
        else
          world_.after(100 * sim_ms, [this] {
            create_topic();
          });
      });
  }

  void start_clients() {
    for (int32_t i = 0; i < producer_count; ++i) {
      producers_.push_back(std::make_unique<sim_producer>(clients_, i));
      producers_.back()->start();
    }
    for (int32_t p = 0; p < partition_count; ++p) {
      consumers_.push_back(std::make_unique<sim_consumer>(clients_, p));
      consumers_.back()->start();
    }
    committer_ = std::make_unique<sim_committer>(clients_);
    find_coordinator();
  }

  /// Asking for it makes __consumer_offsets.
  void find_coordinator() {
    kafka::find_coordinator_request request;
    request.coordinator_keys = {"watchers"};
    admin_.request<kafka::find_coordinator_response>(
      kafka::api_key::find_coordinator, 4, request,
      [this](const kafka::find_coordinator_response* response) {
        if (response != nullptr
            && response->coordinators.front().error_code == 0)
          committer_->start();
        else
          world_.after(100 * sim_ms, [this] {
            find_coordinator();
          });
      });
  }

  [[nodiscard]] bool all_idle() const {
    return !producers_.empty() && committer_->idle()
           && std::all_of(
             producers_.begin(), producers_.end(), [](const auto& p) {
               return p->idle();
             });
  }

  void plan_fault() {
    const auto wait
      = static_cast<sim_time>(50 * sim_ms + world_.random(2 * sim_second));
    world_.after(wait, [this] {
      if (clients_.stopping)
        return;
      fault();
      plan_fault();
    });
  }

  void fault() {
    if (!node_.running())
      return;
    switch (world_.random(7)) {
    case 0:
      ++report_.crashes;
      down([this] {
        node_.crash(crash_policy::random_subset);
      });
      break;
    case 1:
      ++report_.crashes;
      down([this] {
        node_.crash(crash_policy::lose_unsynced);
      });
      break;
    case 2:
      ++report_.kills;
      down([this] {
        node_.kill();
      });
      break;
    case 3:
      fail_a_sync();
      break;
    case 4:
      fill_the_disk();
      break;
    case 5:
      ++report_.clock_jumps;
      // Up to a day, in either direction.
      node_.shift_wall_clock(
        static_cast<int64_t>(world_.random(2 * 86'400'000)) - 86'400'000);
      break;
    default:
      ++report_.disconnects;
      link_.break_one(world_.random_bits());
      break;
    }
  }

  /// R6: somebody's bytes are lost, and the page cache says otherwise. What
  /// is offline then comes back with the process.
  void fail_a_sync() {
    ++report_.failed_syncs;
    node_.disks().files.fail_next_sync();
    world_.after(static_cast<sim_time>(world_.random(sim_second)), [this] {
      if (!node_.running())
        return;
      ++report_.kills;
      down([this] {
        node_.kill();
      });
    });
  }

  void fill_the_disk() {
    if (disk_is_full_)
      return;
    ++report_.full_disks;
    disk_is_full_ = true;
    node_.disks().files.limit_space(0);
    world_.after(static_cast<sim_time>(world_.random(sim_second)), [this] {
      disk_is_full_ = false;
      node_.disks().files.limit_space(UINT64_MAX);
    });
  }

  /// At some step in between what the actors are about to do next.
  void down(const std::function<void()>& how) {
    world_.trace(5, report_.crashes + report_.kills);
    how();
    link_.break_all();
    world_.after(static_cast<sim_time>(world_.random(sim_second)), [this] {
      boot();
    });
  }

  void finish_report() {
    report_.acknowledged = clients_.acknowledged;
    report_.events = world_.events();
    report_.disk_faults = node_.disks().files.faults_injected();
    report_.virtual_ms = world_.now() / sim_ms;
    report_.trace = world_.trace_hash() * 0x9e3779b97f4a7c15ull
                    ^ node_.disks().trace_hash();
    report_.failure = history_.failure();
  }

  sim_options options_;
  bool disk_is_full_ = false;
  sim_report report_;
  sim_world world_;
  sim_history history_;
  sim_node node_;
  sim_link link_;
  sim_clients clients_;
  sim_client admin_;
  std::vector<std::unique_ptr<sim_producer>> producers_;
  std::vector<std::unique_ptr<sim_consumer>> consumers_;
  std::unique_ptr<sim_committer> committer_;
  std::unique_ptr<sim_final_read> final_;
};

} // namespace

sim_report run_simulation(const sim_options& options) {
  return options.nodes == 1 ? sim_run{options}.run() : run_cluster(options);
}

std::string replay_line(const sim_options& options) {
  auto line = "millrace sim --seed " + std::to_string(options.seed)
              + " --nodes " + std::to_string(options.nodes) + " --ops "
              + std::to_string(options.operations);
  if (options.nodes == 1)
    return line;
  std::string faults;
  for (size_t i = 0; i < sim_fault_count; ++i)
    if (options.faults.test(i))
      faults += (faults.empty() ? "" : ",")
                + std::string{to_string(static_cast<sim_fault>(i))};
  if (options.faults.all())
    faults = "all";
  return line + " --faults " + (faults.empty() ? "none" : faults)
         + " --seconds " + std::to_string(options.least / sim_second)
         + (options.groups ? " --groups" : "");
}

std::string to_string(const sim_report& r) {
  char hash[17];
  std::snprintf(
    hash, sizeof hash, "%016llx", static_cast<unsigned long long>(r.trace));
  return "seed " + std::to_string(r.seed) + " nodes " + std::to_string(r.nodes)
         + " ops " + std::to_string(r.acknowledged) + " events "
         + std::to_string(r.events) + " virtual " + std::to_string(r.virtual_ms)
         + "ms trace " + hash
         + (r.ok() ? " ok" : " FAILED invariant: " + r.failure);
}

} // namespace millrace
