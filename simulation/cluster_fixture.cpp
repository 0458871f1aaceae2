#include "simulation/cluster_fixture.hpp"

#include "actors/controller.hpp"
#include "actors/log.hpp"
#include "simulation/actor_state.hpp"
#include "simulation/fixture_client.hpp"
#include "simulation/message_trace.hpp"
#include "simulation/sim_cluster.hpp"
#include "simulation/watched_actor.hpp"

#include <list>

namespace millrace::testing {

namespace {

constexpr virtual_time start_within = 60s;

sim_time sim_time_of(virtual_time span) {
  return static_cast<sim_time>(span.count()) * sim_ms;
}

std::string node_text(int32_t node) {
  return "node " + std::to_string(node);
}

} // namespace

class cluster_fixture::impl {
public:
  impl(int32_t nodes, const custom_deployments& actors, fixture_options options)
      : options_(std::move(options)), world_(options_.seed),
        cluster_(world_, {.nodes = nodes, .settings = options_.settings}),
        client_(cluster_, [this](const std::function<bool()>& condition,
                            const std::string& what) {
          until(condition, what, 60s);
        }) {
    if (!options_.show_logs)
      spdlog::set_level(spdlog::level::off);
    watch();
    const auto all
      = std::make_shared<const custom_deployments>(watched(actors, watcher_));
    for (int32_t i = 0; i < nodes; ++i)
      cluster_.node(i).actors = all;
    cluster_.on_end = [this](int32_t index) {
      note(index + 1, "ends");
      client_.node_ended(index);
    };
    cluster_.network().on_arrival
      = [this](node_id from, node_id to, const envelope& message) {
          trace_.arrived(world_.now(), from, to, message);
        };
    cluster_.start_all();
    until(
      [this] {
        return all_count();
      },
      "that the nodes count on one another", start_within);
  }

  /// Precondition: there is one of this number.
  sim_node& node(int32_t number) {
    MILLRACE_ASSERT(
      number >= 1 && number <= cluster_.size(), "nodes are numbered from 1");
    return cluster_.node(number - 1);
  }

  void note(int32_t node, const std::string& what) {
    trace_.note(world_.now(), node_text(node), what);
  }

  void end(int32_t number, sim_end how) {
    MILLRACE_ASSERT(node(number).running(), "a node that runs can be ended");
    note(number, how == sim_end::kill ? "is killed" : "loses its power");
    cluster_.keep_down(number - 1);
    cluster_.end(number - 1, how);
  }

  void cut(int32_t from, int32_t to) {
    node(from);
    node(to);
    note(from, "is cut from " + node_text(to));
    cluster_.network().cut(node_id{from}, node_id{to});
  }

  void until(const std::function<bool()>& condition, const std::string& what,
    virtual_time within) {
    if (cluster_.run_until(condition, sim_time_of(within)))
      return;
    auto text
      = "not within " + std::to_string(within.count()) + " ms of virtual time: "
        + what + "\nseed " + std::to_string(options_.seed)
        + "; the last that has happened:\n" + trace_.last(options_.trace_lines);
    if (!cluster_.failure().empty())
      text = cluster_.failure() + "\n" + text;
    throw expectation_failed{text};
  }

  actor_address expect_letter(const std::string& name, uint64_t type,
    const std::function<bool(const actor_message&)>& matches,
    virtual_time within) {
    std::optional<actor_address> from;
    until(
      [&] {
        for (auto at = letters_.begin(); !from && at != letters_.end();) {
          const bool candidate = at->to.name == name && at->type == type;
          if (candidate && matches(actor_message{*at}))
            from = at->from;
          at = candidate ? letters_.erase(at) : std::next(at);
        }
        return from.has_value();
      },
      "a message for " + name, within);
    return *from;
  }

  [[nodiscard]] std::optional<int32_t> node_of(
    const actor_address& instance) const {
    const auto at = lives_.find(instance);
    if (at == lives_.end() || at->second.empty())
      return std::nullopt;
    return at->second.back();
  }

  fixture_options options_;
  sim_world world_;
  message_trace trace_;
  // What the actors tell comes in as long as there are nodes.
  actor_watcher watcher_;
  std::map<actor_address, std::vector<int32_t>> lives_; ///< nodes
  std::list<actor_letter> letters_; ///< handed in, and not expected yet
  sim_cluster cluster_;
  fixture_client client_;

  /// Whether every node knows that all are alive.
  bool all_count() {
    for (int32_t i = 0; i < cluster_.size(); ++i) {
      const auto* image = image_at(i);
      if (image == nullptr)
        return false;
      for (int32_t other = 0; other < cluster_.size(); ++other)
        if (!image->is_alive(sim_cluster::id_of(other)))
          return false;
    }
    return true;
  }

  /// Whether every node knows that every replica is in sync.
  bool all_in_sync() {
    if (!all_count())
      return false;
    for (int32_t i = 0; i < cluster_.size(); ++i)
      for (const auto& [name, topic] : image_at(i)->topics())
        for (const auto& p : topic->partitions)
          if (p.isr.size() != p.replicas.size() || p.leader == no_node)
            return false;
    return true;
  }

  /// As the first node that runs knows it; null: there is none.
  const partition_registration* find_partition(
    const std::string& topic, int32_t partition) {
    for (int32_t i = 0; i < cluster_.size(); ++i)
      if (const auto* image = image_at(i)) {
        const auto* found = image->find_topic(topic);
        return found == nullptr ? nullptr
                                : image->find_partition(found->id, partition);
      }
    return nullptr;
  }

private:
  void watch() {
    const auto tell = [this](const actor_context& c, const std::string& what) {
      trace_.note(world_.now(),
        node_text(c.node().value) + ", " + to_string(c.self()), what);
    };
    watcher_.life = [=, this](const actor_context& c, bool begins) {
      tell(c, begins ? "begins" : "ends");
      auto& nodes = lives_[c.self()];
      if (begins)
        nodes.push_back(c.node().value);
      else
        std::erase(nodes, c.node().value);
    };
    watcher_.message
      = [=, this](const actor_context& c, const actor_message& m) {
          tell(c, "gets " + trace_.text_of(m.letter()));
          letters_.push_back(m.letter());
        };
    watcher_.record = [=](const actor_context& c, const topic_record& r) {
      tell(c, "reads " + r.topic + "-" + std::to_string(r.partition) + " @ "
                + std::to_string(r.offset));
    };
    watcher_.node = [=](const actor_context& c, const node_change& n) {
      tell(c, "hears that " + node_text(n.node.value) + " is "
                + (n.is_up ? "up" : "down"));
    };
  }

  /// As one node knows the cluster; null: it does not run.
  const metadata_image* image_at(int32_t index) {
    if (!cluster_.node(index).running() || cluster_.node(index).paused())
      return nullptr;
    const auto* controller = state_of<controller_actor_state>(
      cluster_.node(index).core().controller);
    return controller == nullptr ? nullptr : &controller->image;
  }
};

cluster_fixture::cluster_fixture(
  int32_t nodes, custom_deployments actors, fixture_options options)
    : impl_(std::make_unique<impl>(nodes, actors, std::move(options))) {}

cluster_fixture::~cluster_fixture() = default;

void cluster_fixture::crash(int32_t node) {
  impl_->end(node, sim_end::power_loss);
}

void cluster_fixture::kill(int32_t node) {
  impl_->end(node, sim_end::kill);
}

void cluster_fixture::restart(int32_t node) {
  if (impl_->node(node).running())
    kill(node);
  impl_->note(node, "starts");
  impl_->cluster_.start(node - 1);
}

void cluster_fixture::pause(int32_t node, virtual_time span) {
  impl_->note(node, "stands still for " + std::to_string(span.count()) + " ms");
  impl_->node(node);
  impl_->cluster_.pause(node - 1, sim_time_of(span), false);
}

void cluster_fixture::cut(int32_t a, int32_t b) {
  impl_->cut(a, b);
  impl_->cut(b, a);
}

void cluster_fixture::cut_one_way(int32_t from, int32_t to) {
  impl_->cut(from, to);
}

void cluster_fixture::isolate(int32_t node) {
  for (int32_t other = 1; other <= impl_->cluster_.size(); ++other)
    if (other != node)
      cut(node, other);
}

void cluster_fixture::disturb() {
  impl_->trace_.note(impl_->world_.now(), "network", "loses and doubles");
  impl_->cluster_.network().set_manners(network_manners::bad());
}

void cluster_fixture::heal() {
  impl_->trace_.note(impl_->world_.now(), "network", "is whole again");
  impl_->cluster_.network().heal();
}

void cluster_fixture::clock(int32_t node, virtual_time by) {
  impl_->note(
    node, "has a clock that jumps by " + std::to_string(by.count()) + " ms");
  impl_->node(node).shift_wall_clock(by.count());
}

cluster_fixture::disk_control cluster_fixture::disk(int32_t node) {
  impl_->node(node);
  return {*this, node};
}

void cluster_fixture::disk_control::fail_next_sync() {
  cluster_.impl_->note(node_, "has a disk whose next sync fails");
  cluster_.impl_->node(node_).disks().files.fail_next_sync();
}

void cluster_fixture::disk_control::limit_space(uint64_t bytes) {
  cluster_.impl_->note(
    node_, "has a disk of " + std::to_string(bytes) + " bytes");
  cluster_.impl_->node(node_).disks().files.limit_space(bytes);
}

void cluster_fixture::disk_control::heal() {
  cluster_.impl_->node(node_).disks().files.heal();
}

void cluster_fixture::run_for(virtual_time span) {
  impl_->cluster_.run_for(sim_time_of(span));
}

void cluster_fixture::until(const std::function<bool()>& condition,
  const std::string& what, virtual_time within) {
  impl_->until(condition, what, within);
}

void cluster_fixture::eventually(const std::function<bool()>& condition,
  const std::string& what, virtual_time within) {
  constexpr auto between = 100ms;
  for (const auto end = now() + within; now() < end; run_for(between))
    if (condition())
      return;
  impl_->until(
    [] {
      return false;
    },
    what, virtual_time{0});
}

void cluster_fixture::await_in_sync(virtual_time within) {
  impl_->until(
    [this] {
      return impl_->all_in_sync();
    },
    "that all replicas are in sync", within);
}

virtual_time cluster_fixture::now() const {
  return virtual_time{impl_->world_.now() / sim_ms};
}

void cluster_fixture::create_topic(
  const std::string& name, int32_t partitions) {
  impl_->client_.create_topic(name, partitions);
}

void cluster_fixture::produce(const std::string& topic,
  std::optional<std::string> key, std::optional<std::string> value,
  int32_t partition) {
  impl_->client_.produce(topic, partition, key, value);
}

std::vector<topic_record> cluster_fixture::consume(const std::string& topic) {
  return impl_->client_.consume(topic);
}

std::map<std::string, std::string> cluster_fixture::last_values(
  const std::string& topic) {
  std::map<std::string, std::string> values;
  for (const auto& record : consume(topic))
    if (record.key && record.value)
      values[*record.key] = *record.value;
    else if (record.key)
      values.erase(*record.key);
  return values;
}

std::vector<int32_t> cluster_fixture::replicas_of(
  const std::string& topic, int32_t partition) const {
  std::vector<int32_t> numbers;
  if (const auto* p = impl_->find_partition(topic, partition))
    for (const auto id : p->replicas)
      numbers.push_back(id.value);
  return numbers;
}

std::optional<int32_t> cluster_fixture::leader_of(
  const std::string& topic, int32_t partition) const {
  const auto* p = impl_->find_partition(topic, partition);
  if (p == nullptr || p->leader == no_node)
    return std::nullopt;
  return p->leader.value;
}

actor_address cluster_fixture::expect_letter(const std::string& name,
  uint64_t type, const std::function<bool(const actor_message&)>& matches,
  virtual_time within) {
  return impl_->expect_letter(name, type, matches, within);
}

void cluster_fixture::learn(uint64_t type, kj::StringPtr name,
  std::function<std::string(const shared_bytes&)> show) {
  impl_->trace_.teach(type, name.cStr(), std::move(show));
}

std::optional<int32_t> cluster_fixture::node_of(
  const actor_address& instance) const {
  return impl_->node_of(instance);
}

int32_t cluster_fixture::await_node_of(const actor_address& instance) {
  until(
    [&] {
      return node_of(instance).has_value();
    },
    "that " + to_string(instance) + " runs somewhere");
  return *node_of(instance);
}

void cluster_fixture::trace_everything() {
  impl_->trace_.show_everything();
}

std::string cluster_fixture::trace(size_t lines) const {
  return impl_->trace_.last(lines);
}

uint64_t cluster_fixture::trace_hash() const {
  return impl_->cluster_.trace_hash();
}

} // namespace millrace::testing
