#include "simulation/sim_cluster.hpp"

namespace millrace {

namespace {

constexpr uint16_t cluster_port = 9093;

std::string host_of(int32_t index) {
  return "node-" + std::to_string(index + 1);
}

std::map<std::string, std::string> settings_of(
  int32_t index, const sim_cluster_options& options) {
  auto settings = options.settings;
  settings["node.id"] = std::to_string(index + 1);
  if (options.nodes == 1)
    return settings;
  settings["millrace.cluster.listener"]
    = host_of(index) + ":" + std::to_string(cluster_port);
  settings["millrace.cluster.plaintext"] = "true";
  std::string controllers;
  for (int32_t i = 0; i < std::min(options.controllers, options.nodes); ++i)
    controllers += (i == 0 ? "" : ",") + std::to_string(i + 1) + "@"
                   + host_of(i) + ":" + std::to_string(cluster_port);
  settings["controller.quorum.voters"] = controllers;
  return settings;
}

} // namespace

sim_cluster::sim_cluster(sim_world& world, const sim_cluster_options& options)
    : world_(world), options_(options), network_(world) {
  for (int32_t i = 0; i < options.nodes; ++i) {
    auto settings = settings_of(i, options);
    if (const auto rack = rack_of(i); !rack.empty())
      settings["broker.rack"] = rack;
    nodes_.push_back({.node = std::make_unique<sim_node>(
                        world, std::move(settings), &network_)});
    nodes_.back().node->on_step = [this, i](caf::actor_id actor) {
      if (on_step)
        on_step(i, actor);
    };
  }
}

void sim_cluster::start_all(sim_time spread) {
  for (int32_t i = 0; i < size(); ++i)
    come_back(i,
      static_cast<sim_time>(world_.random(static_cast<uint64_t>(spread) + 1)));
}

void sim_cluster::start(int32_t index) {
  auto& m = at(index);
  m.stays_down = false;
  ++m.generation;
  auto& node = *m.node;
  if (node.running())
    return;
  if (const auto operations = std::exchange(m.end_in_start, 0); operations > 0)
    node.end_in_disk_operation(operations, sim_end::torn_power_loss, [=, this] {
      ended(index);
    });
  ++starts_;
  auto up = node.boot();
  if (up)
    return;
  // The fault met the start itself, which `serve` repeats; so does a
  // supervisor.
  const auto code = up.error().code;
  const bool power_went = node.disks().files.stopped();
  const bool expected = power_went || code == errc::out_of_space
                        || code == errc::io_error || code == errc::offline;
  if (!expected && failure_.empty())
    failure_ = "node " + std::to_string(index + 1)
               + " starts on what a crash leaves: " + to_string(up.error());
  node.end(power_went ? sim_end::torn_power_loss : sim_end::kill);
  ended(index);
}

void sim_cluster::come_back(int32_t index, sim_time wait) {
  auto& m = at(index);
  if (m.stays_down)
    return;
  world_.after(wait, [this, index, generation = ++m.generation] {
    if (at(index).generation == generation)
      start(index);
  });
}

void sim_cluster::ended(int32_t index) {
  world_.trace(5, static_cast<uint64_t>(index));
  if (on_end)
    on_end(index);
  come_back(index, static_cast<sim_time>(world_.random(
                     static_cast<uint64_t>(options_.absence_max))));
}

void sim_cluster::end(int32_t index, sim_end how) {
  if (!node(index).running())
    return;
  node(index).end(how);
  ended(index);
}

void sim_cluster::damage(
  int32_t index, const std::function<void(sim_disks&)>& what) {
  const bool ran = node(index).running();
  node(index).end(sim_end::power_loss);
  what(node(index).disks());
  if (ran)
    ended(index);
}

void sim_cluster::end_after(int32_t index, uint64_t messages, sim_end how) {
  node(index).end_after(messages, how, [this, index] {
    ended(index);
  });
}

void sim_cluster::end_in_disk_operation(
  int32_t index, uint64_t operations, sim_end how) {
  node(index).end_in_disk_operation(operations, how, [this, index] {
    ended(index);
  });
}

void sim_cluster::end_in_next_start(int32_t index, uint64_t operations) {
  at(index).end_in_start = operations;
}

void sim_cluster::end_all(sim_end how) {
  for (int32_t i = 0; i < size(); ++i)
    end(i, how);
}

void sim_cluster::keep_down(int32_t index) {
  at(index).stays_down = true;
  ++at(index).generation;
}

void sim_cluster::pause(int32_t index, sim_time span, bool missed_time) {
  auto& n = node(index);
  if (!n.running() || n.paused())
    return;
  n.pause();
  world_.after(span, [this, index, missed_time, number = ++at(index).pauses] {
    // Unless it has died in its sleep.
    if (at(index).pauses == number && node(index).paused())
      node(index).resume(missed_time);
  });
}

void sim_cluster::spare(int32_t index) {
  at(index).end_in_start = 0;
  node(index).spare();
}

void sim_cluster::resume(int32_t index) {
  if (node(index).paused())
    node(index).resume(false);
}

bool sim_cluster::settle() {
  bool any = false;
  const auto first
    = static_cast<int32_t>(world_.random(static_cast<uint64_t>(size())));
  for (int32_t i = 0; i < size(); ++i) {
    const auto index = (first + i) % size();
    any = node(index).settle() || any;
  }
  return any;
}

bool sim_cluster::step() {
  while (settle() || world_.advance_to(world_.now())) {
  }
  auto next = world_.next_event();
  for (const auto& m : nodes_)
    next = std::min(next, m.node->next_timer());
  if (next == INT64_MAX)
    return false;
  world_.advance_to(next);
  for (int32_t i = 0; i < size(); ++i) {
    auto& n = node(i);
    n.advance();
    if (!n.failed())
      continue;
    ++restarts_;
    end(i, sim_end::kill);
  }
  return true;
}

void sim_cluster::run_for(sim_time span) {
  bool over = false;
  world_.after(span, [&over] {
    over = true;
  });
  while (!over && step()) {
  }
}

bool sim_cluster::run_until(
  const std::function<bool()>& condition, sim_time span) {
  // On the heap: the event may come after this call has ended.
  auto over = std::make_shared<bool>(false);
  world_.after(span, [over] {
    *over = true;
  });
  while (!condition())
    if (*over || !step())
      return false;
  return true;
}

uint64_t sim_cluster::trace_hash() const {
  auto hash = world_.trace_hash();
  for (const auto& m : nodes_)
    hash = hash * 0x9e3779b97f4a7c15ull ^ m.node->disks().trace_hash();
  return hash;
}

} // namespace millrace
