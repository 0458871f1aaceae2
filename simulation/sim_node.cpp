#include "simulation/sim_node.hpp"

namespace millrace {

namespace {

/// Where the wall clock stands at virtual time 0.
constexpr int64_t wall_clock_begin_ms = 1'700'000'000'000;

} // namespace

struct sim_node::system_config : caf::actor_system_config {
  system_config() {
    set("scheduler.policy", caf::atom("testing"));
    set("logger.inline-output", true);
  }
};

sim_node::sim_node(
  sim_world& world, std::map<std::string, std::string> settings)
    : world_(world), settings_(std::move(settings)),
      disks_(world.random_bits()) {
  settings_.try_emplace("log.dirs", "/data");
  settings_.try_emplace("millrace.offsets.trim.records", "10");
  disks_.files.run_short_of_memory();
}

sim_node::~sim_node() {
  stop_system();
}

caf::scheduler::test_coordinator& sim_node::scheduler() const {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

result<void> sim_node::boot() {
  MILLRACE_ASSERT(!running(), "a node is started once at a time");
  auto parsed = parse_node_config(settings_);
  if (!parsed)
    return parsed.error();
  env_
    = std::make_unique<sim_environment>(disks_, world_.random_bits(), [this] {
        return wall_clock_begin_ms + wall_shift_ms_ + world_.now() / sim_ms;
      });
  config_ = std::make_unique<system_config>();
  system_ = std::make_unique<caf::actor_system>(*config_);
  system_->await_actors_before_shutdown(false);
  clock_ = 0;
  advance();
  failed_ = false;
  auto link = std::make_shared<lone_link>(parsed->id);
  auto core = start_node_core(
    *system_, *env_, std::move(link), std::move(*parsed), {}, [this] {
      failed_ = true;
    });
  if (!core) {
    stop_system();
    return core.error();
  }
  core_ = std::move(*core);
  gateway_ = system_->spawn(sim_gateway,
    std::make_shared<gateway_core>(
      gateway_wiring{env_.get(), core_->config, core_->counters,
        caf::actor_cast<caf::strong_actor_ptr>(core_->controller),
        caf::actor_cast<caf::strong_actor_ptr>(core_->broker), core_->cluster}),
    output);
  return {};
}

void sim_node::crash(crash_policy policy) {
  stop_system();
  disks_.crash(policy);
}

void sim_node::kill() {
  stop_system();
  disks_.kill();
}

/// Ends every actor without a word: nothing runs any more, so nothing is
/// written that the crash would not have let be written.
void sim_node::stop_system() {
  if (system_ == nullptr)
    return;
  // From here on the disks refuse everything until crash().
  disks_.files.stop_at(disks_.files.operation_count() + 1);
  auto& jobs = scheduler().jobs;
  if (core_) {
    caf::anon_send_exit(gateway_, caf::exit_reason::kill);
    end_node_core(*core_);
  }
  gateway_ = nullptr;
  core_.reset();
  while (!jobs.empty())
    scheduler().run_once();
  system_.reset();
  config_.reset();
  env_.reset();
}

bool sim_node::settle() {
  if (!running())
    return false;
  auto& s = scheduler();
  bool any = false;
  while (!s.jobs.empty()) {
    const auto size = s.jobs.size();
    const auto at = world_.random(size);
    std::rotate(s.jobs.begin(), s.jobs.begin() + static_cast<ptrdiff_t>(at),
      s.jobs.begin() + static_cast<ptrdiff_t>(at) + 1);
    world_.trace(1, size << 32 | at);
    s.run_once();
    any = true;
  }
  return any;
}

sim_time sim_node::next_timer() const {
  if (!running())
    return INT64_MAX;
  const auto& timers = scheduler().clock().schedule();
  if (timers.empty())
    return INT64_MAX;
  return timers.begin()->first.time_since_epoch().count();
}

void sim_node::advance() {
  if (!running())
    return;
  auto& clock = scheduler().clock();
  const auto behind = std::chrono::nanoseconds{world_.now()}
                      - clock.current_time.time_since_epoch();
  if (behind.count() > 0)
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
