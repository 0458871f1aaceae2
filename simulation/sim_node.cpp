#include "simulation/sim_node.hpp"

#include "actors/consensus_disk.hpp"
#include "actors/custom_front.hpp"
#include "actors/disk.hpp"

#include <algorithm>
#include <string_view>

namespace millrace {

namespace {

/// Where the wall clock stands at virtual time 0.
constexpr int64_t wall_clock_begin_ms = 1'700'000'000'000;

/// Everything that is scheduled here is an actor.
caf::scheduled_actor& actor_of(caf::resumable& job) {
  MILLRACE_ASSERT(job.subtype() == caf::resumable::scheduled_actor,
    "nothing else is scheduled");
  return static_cast<caf::scheduled_actor&>(job);
}

/// One that does for others what may block.
bool is_disk(caf::resumable& job) {
  const std::string_view name = actor_of(job).name();
  return name == disk_state::name || name == consensus_disk_state::name;
}

} // namespace

struct sim_node::system_config : caf::actor_system_config {
  system_config() {
    set("scheduler.policy", caf::atom("testing"));
    set("logger.inline-output", true);
  }
};

broker_endpoint sim_client_endpoint(node_id node) {
  return {"PLAINTEXT", "node-" + std::to_string(node.value), 9092};
}

sim_node::sim_node(sim_world& world,
  std::map<std::string, std::string> settings, sim_network* network)
    : world_(world), settings_(std::move(settings)), network_(network),
      disks_(world.random_bits()) {
  const auto id = settings_.find("node.id");
  const bool is_odd
    = id != settings_.end() && (id->second.back() - '0') % 2 == 1;
  settings_.try_emplace("log.dirs",
    network_ != nullptr && is_odd ? std::string{"/data,"} + sim_second_log_dir
                                  : std::string{"/data"});
  settings_.try_emplace("millrace.offsets.trim.records", "10");
  disks_.files.run_short_of_memory();
}

sim_node::~sim_node() {
  // Its clients may be gone before it.
  output = {[](uint64_t, const std::string&) {}, [](uint64_t) {}};
  stop_system(process_state::stopped);
}

result<void> sim_node::boot() {
  MILLRACE_ASSERT(!running(), "a node is started once at a time");
  auto parsed = parse_node_config(settings_);
  if (!parsed)
    return parsed.error();
  id_ = parsed->id;
  env_
    = std::make_unique<sim_environment>(disks_, world_.random_bits(), [this] {
        return wall_clock_begin_ms + wall_shift_ms_ + world_.now() / sim_ms;
      });
  config_ = std::make_unique<system_config>();
  system_ = std::make_unique<caf::actor_system>(*config_);
  system_->await_actors_before_shutdown(false);
  scheduler_
    = &dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  // No two machines' monotonic clocks have anything to do with one another.
  clock_.set(world_.now(),
    world_.now()
      + (network_ == nullptr
           ? 0
           : static_cast<sim_time>(world_.random(1000 * sim_second))));
  advance();
  failed_ = false;
  paused_ = false;
  std::vector<broker_endpoint> endpoints;
  if (network_ != nullptr)
    endpoints.push_back(sim_client_endpoint(id_));
  // Those that are no controllers find one another by it.
  if (const auto& at = parsed->cluster_listener)
    endpoints.push_back({cluster_listener_name, at->host, at->port, 0});
  const auto link
    = [this](const node_config& config, const directory_identity&) {
        return result<std::shared_ptr<node_link>>{make_link(config)};
      };
  auto core = start_node_core(
    *system_, *env_, link, std::move(*parsed), endpoints, [this] {
      failed_ = true;
    });
  if (!core) {
    stop_system(process_state::stopped);
    return core.error();
  }
  core_ = std::move(*core);
  const gateway_wiring wiring{env_.get(), core_->config, core_->counters,
    caf::actor_cast<caf::strong_actor_ptr>(core_->controller),
    caf::actor_cast<caf::strong_actor_ptr>(core_->broker), core_->cluster,
    core_->link};
  gateway_ = system_->spawn(sim_gateway, std::make_shared<gateway_core>(wiring),
    sim_output{[this](uint64_t id, std::string bytes) {
                 if (!disks_.files.stopped())
                   output.bytes(id, std::move(bytes));
               },
      [this](uint64_t id) {
        if (!disks_.files.stopped())
          output.closed(id);
      }});
  if (actors != nullptr && !actors->all().empty())
    custom_front_ = env_->spawn_blocking(
      *system_, custom_front, env_.get(), wiring, actors);
  return {};
}

std::shared_ptr<node_link> sim_node::make_link(const node_config& config) {
  if (network_ == nullptr)
    return std::make_shared<lone_link>(config.id);
  endpoint address;
  if (config.cluster_listener)
    address = {config.cluster_listener->host, config.cluster_listener->port};
  auto link = network_->start(config.id, address);
  link->set_power([this] {
    return disks_.files.stopped();
  });
  return link;
}

void sim_node::crash(crash_policy policy) {
  stop_system(process_state::off);
  disks_.crash(policy);
}

void sim_node::kill() {
  stop_system(process_state::stopped);
  disks_.kill();
}

void sim_node::end(sim_end how) {
  switch (how) {
  case sim_end::kill:
    kill();
    break;
  case sim_end::power_loss:
    crash(crash_policy::lose_unsynced);
    break;
  case sim_end::torn_power_loss:
    crash(crash_policy::random_subset);
    break;
  }
}

void sim_node::end_after(
  uint64_t messages, sim_end how, std::function<void()> ended) {
  planned_ = {steps_ + messages, how, std::move(ended)};
}

void sim_node::end_in_disk_operation(
  uint64_t operations, sim_end how, std::function<void()> ended) {
  disks_.files.stop_at(disks_.files.operation_count() + operations);
  planned_ = {UINT64_MAX, how, std::move(ended)};
}

void sim_node::spare() {
  planned_ = {};
  disks_wait_until_ = 0;
  disks_.files.heal();
}

/// Between two messages: has the planned end come?
bool sim_node::meets_end() {
  if (steps_ < planned_.at_step && !disks_.files.stopped())
    return false;
  const auto ended = std::exchange(planned_, {});
  end(ended.how);
  if (ended.ended)
    ended.ended();
  return true;
}

void sim_node::pause() {
  MILLRACE_ASSERT(running() && !paused_, "a running node is paused once");
  paused_ = true;
  if (network_ != nullptr)
    network_->pause(id_);
}

void sim_node::resume(bool missed_time) {
  MILLRACE_ASSERT(running() && paused_, "a paused node goes on");
  paused_ = false;
  if (missed_time)
    clock_.set(world_.now(),
      scheduler_->clock().current_time.time_since_epoch().count());
  if (network_ != nullptr)
    network_->resume(id_);
}

/// Ends every actor without a word: nothing runs any more, so nothing is
/// written that the crash would not have let be written.
void sim_node::stop_system(process_state left) {
  if (system_ == nullptr)
    return;
  if (network_ != nullptr)
    network_->stop(id_, left);
  // From here on the disks refuse everything until crash().
  disks_.files.stop_at(disks_.files.operation_count() + 1);
  auto& jobs = scheduler_->jobs;
  if (core_) {
    caf::anon_send_exit(gateway_, caf::exit_reason::kill);
    if (custom_front_)
      caf::anon_send_exit(custom_front_, caf::exit_reason::kill);
    end_node_core(*core_);
  }
  gateway_ = nullptr;
  custom_front_ = nullptr;
  core_.reset();
  while (!jobs.empty())
    scheduler_->run_once();
  system_.reset();
  config_.reset();
  env_.reset();
  paused_ = false;
  disks_wait_until_ = 0;
  planned_ = {};
}

/// Puts one that may run in front; false if there is none.
bool sim_node::choose_job() {
  auto& jobs = scheduler_->jobs;
  auto ready = jobs.size();
  if (world_.now() < disks_wait_until_)
    ready = static_cast<size_t>(std::stable_partition(jobs.begin(), jobs.end(),
                                  [](caf::resumable* job) {
                                    return !is_disk(*job);
                                  })
                                - jobs.begin());
  if (ready == 0)
    return false;
  const auto at = world_.random(ready);
  const auto chosen = jobs.begin() + static_cast<ptrdiff_t>(at);
  std::rotate(jobs.begin(), chosen, chosen + 1);
  world_.trace(1, ready << 32 | at);
  return true;
}

void sim_node::slow_disks(sim_time span) {
  disks_wait_until_ = world_.now() + span;
  world_.after(span, [] {}); // so that somebody looks at what has waited
}

bool sim_node::settle() {
  if (!running() || paused_)
    return false;
  auto& s = *scheduler_;
  bool any = false;
  while (choose_job()) {
    const auto actor = actor_of(*s.jobs.front()).id();
    s.run_once();
    ++steps_;
    any = true;
    if (on_step)
      on_step(actor);
    if (meets_end())
      break;
  }
  return any;
}

sim_time sim_node::next_timer() const {
  if (!running() || paused_)
    return INT64_MAX;
  const auto& timers = scheduler_->clock().schedule();
  if (timers.empty())
    return INT64_MAX;
  return clock_.when(timers.begin()->first.time_since_epoch().count());
}

void sim_node::advance() {
  if (!running() || paused_)
    return;
  auto& clock = scheduler_->clock();
  const auto behind = std::chrono::nanoseconds{clock_.at(world_.now())}
                      - clock.current_time.time_since_epoch();
  if (behind.count() >= 0)
    clock.advance_time(std::chrono::duration_cast<caf::timespan>(behind));
}

void sim_node::run_for(sim_time span) {
  const auto end = world_.now() + span;
  for (;;) {
    while (settle() || world_.advance_to(world_.now())) {
    }
    const auto next = std::min(world_.next_event(), next_timer());
    if (next > end)
      break;
    world_.advance_to(next);
    advance();
  }
  world_.advance_to(end);
  advance();
}

void sim_node::connect(uint64_t id) {
  if (running())
    caf::anon_send(gateway_, sim_connect{id});
}

void sim_node::input(uint64_t id, std::string bytes) {
  if (running())
    caf::anon_send(gateway_, sim_input{id, std::move(bytes)});
}

void sim_node::disconnect(uint64_t id) {
  if (running())
    caf::anon_send(gateway_, sim_disconnect{id});
}

} // namespace millrace
