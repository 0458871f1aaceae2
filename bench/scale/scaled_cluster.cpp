#include "bench/scale/scaled_cluster.hpp"

#include "actors/controller.hpp"
#include "simulation/actor_state.hpp"

#include <sys/resource.h>

#include <stdexcept>

namespace millrace::bench {

namespace {

constexpr int32_t voters_max = 3;
/// Virtual time; more than any time-out of a client or a session.
constexpr sim_time patience = 600 * sim_second;
constexpr sim_time look_often = 10 * sim_ms;
constexpr sim_time look_seldom = 100 * sim_ms;
/// A topic of more is not made at once.
constexpr int32_t topic_partitions_max = 10'000;

double cpu_s() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::string names_of(const std::vector<node_id>& nodes) {
  std::string names;
  for (const auto node : nodes)
    names += (names.empty() ? "" : ", ") + std::to_string(node.value);
  return names;
}

sim_cluster_options cluster_options(const scale_options& options) {
  const auto factor
    = std::min<int32_t>(options.replication_factor, options.nodes);
  return {.nodes = options.nodes,
    .controllers = voters_max,
    .settings = {{"default.replication.factor", std::to_string(factor)},
      {"min.insync.replicas", factor > 2 ? "2" : "1"}}};
}

} // namespace

scaled_cluster::scaled_cluster(const scale_options& options)
    : options_(options), world_(options.seed),
      cluster_(world_, cluster_options(options)),
      client_(cluster_, [this](const std::function<bool()>& condition,
                          const std::string& what) {
        if (!cluster_.run_until(condition, patience))
          throw std::runtime_error{"not within virtual minutes: " + what};
      }) {
  cluster_.on_end = [this](int32_t index) {
    client_.node_ended(index);
  };
  cluster_.start_all();
  settle("that the nodes find one another", look_seldom);
  for (int32_t made = 0; made < options.partitions;) {
    const auto count
      = std::min(options.partitions - made, topic_partitions_max);
    client_.create_topic("topic-" + std::to_string(made), count);
    made += count;
    settle("that a topic's replicas are in sync", look_seldom);
  }
}

int32_t scaled_cluster::voters() const {
  return std::min(options_.nodes, voters_max);
}

const metadata_image* scaled_cluster::image_of(int32_t index) {
  if (!cluster_.node(index).running())
    return nullptr;
  const auto* state
    = state_of<controller_actor_state>(cluster_.node(index).core().controller);
  return state == nullptr ? nullptr : &state->image;
}

std::optional<int32_t> scaled_cluster::controller() {
  for (int32_t i = 0; i < voters(); ++i) {
    if (!cluster_.node(i).running())
      continue;
    const auto* state
      = state_of<controller_actor_state>(cluster_.node(i).core().controller);
    if (state != nullptr && state->leading && state->leading->core)
      return i;
  }
  return std::nullopt;
}

std::string scaled_cluster::unsettled() {
  const auto leader = controller();
  if (!leader)
    return "nobody leads the metadata";
  const auto& image = *image_of(*leader);
  for (int32_t i = 0; i < cluster_.size(); ++i) {
    const auto* other = image_of(i);
    const auto node = "node " + std::to_string(i + 1);
    if (other == nullptr)
      return node + " does not run";
    if (other->applied_index() != image.applied_index())
      return node + " has applied " + std::to_string(other->applied_index())
             + " of " + std::to_string(image.applied_index()) + " entries";
    if (!image.is_alive(sim_cluster::id_of(i)))
      return node + " is fenced";
  }
  for (const auto& [name, topic] : image.topics())
    for (const auto& p : topic->partitions)
      if (p.leader == no_node || p.isr.size() != p.replicas.size())
        return name + "-" + std::to_string(p.index) + " is led by node "
               + std::to_string(p.leader.value) + ", and of nodes "
               + names_of(p.replicas) + " only " + names_of(p.isr)
               + " are in sync";
  return {};
}

void scaled_cluster::settle(const std::string& what, sim_time look_every) {
  const auto until = world_.now() + patience;
  for (;;) {
    const auto missing = unsettled();
    if (missing.empty())
      return;
    if (world_.now() > until)
      throw std::runtime_error{
        "not within virtual minutes: " + what + ": " + missing};
    cluster_.run_for(look_every);
  }
}

bool scaled_cluster::is_replaced(int32_t gone) {
  const auto leader = controller();
  if (!leader || *leader == gone)
    return false;
  const auto id = sim_cluster::id_of(gone);
  for (int32_t i = 0; i < cluster_.size(); ++i)
    if (const auto* image = image_of(i);
      i != gone && (image == nullptr || image->is_alive(id)))
      return false;
  for (int32_t i = 0; i < cluster_.size(); ++i) {
    if (i == gone)
      continue;
    for (const auto& [name, topic] : image_of(i)->topics())
      for (const auto& p : topic->partitions)
        if (p.leader == id)
          return false;
  }
  return true;
}

void scaled_cluster::wait(const std::function<bool()>& condition,
  const std::string& what, sim_time look_every) {
  const auto until = world_.now() + patience;
  while (!condition()) {
    if (world_.now() > until)
      throw std::runtime_error{"not within virtual minutes: " + what};
    cluster_.run_for(look_every);
  }
}

span_of_work scaled_cluster::measure(const std::function<void()>& work) {
  const auto began = world_.now();
  const auto cpu = cpu_s();
  work();
  return {
    static_cast<double>(world_.now() - began) / static_cast<double>(sim_second),
    cpu_s() - cpu};
}

link_traffic scaled_cluster::listen(sim_time span) {
  cluster_.run_for(2 * sim_second); // what is on its way arrives
  link_traffic heard;
  cluster_.network().on_arrival
    = [&heard](node_id from, node_id to, const envelope& message) {
        heard.note(from, to, message);
      };
  cluster_.run_for(span);
  cluster_.network().on_arrival = nullptr;
  return heard;
}

span_of_work scaled_cluster::make_topic(
  const std::string& name, int32_t partitions) {
  return measure([&] {
    client_.create_topic(name, partitions);
    settle("that the topic's replicas are in sync", look_often);
  });
}

scaled_cluster::fail_over scaled_cluster::fail_controller(sim_end how) {
  const auto gone = controller();
  MILLRACE_ASSERT(gone, "a settled cluster has a controller");
  cluster_.keep_down(*gone);
  fail_over took;
  took.decides = measure([&] {
    cluster_.end(*gone, how);
    wait(
      [&] {
        return controller().has_value();
      },
      "that another node decides", look_often);
  });
  const auto rest = measure([&] {
    wait(
      [&] {
        return is_replaced(*gone);
      },
      "that others lead", look_often);
  });
  took.leads = {
    took.decides.virtual_s + rest.virtual_s, took.decides.cpu_s + rest.cpu_s};
  cluster_.start(*gone);
  settle("that the node that ended is back", look_seldom);
  return took;
}

span_of_work scaled_cluster::restart_all() {
  for (int32_t i = 0; i < cluster_.size(); ++i)
    cluster_.keep_down(i);
  cluster_.end_all(sim_end::kill);
  return measure([&] {
    for (int32_t i = 0; i < cluster_.size(); ++i)
      cluster_.start(i);
    settle("that all replicas are in sync after the restart", look_often);
  });
}

} // namespace millrace::bench
