#include "simulation/sim_network.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>

#include <memory>

using namespace millrace;

namespace {

struct heard {
  std::vector<uint64_t> messages; ///< request ids, in their order
  std::vector<link_change> changes;
};

caf::behavior listener(caf::event_based_actor*, std::shared_ptr<heard> to) {
  return {
    [to](const from_node& m) {
      to->messages.push_back(m.message.request_id);
    },
    [to](const link_change& c) {
      to->changes.push_back(c);
    },
  };
}

struct test_config : caf::actor_system_config {
  test_config() {
    set("scheduler.policy", caf::atom("testing"));
  }
};

/// Nodes of which each is one actor that writes down what it hears.
class small_network {
public:
  explicit small_network(uint64_t seed) : world(seed) {
    system.await_actors_before_shutdown(false);
  }
  ~small_network() {
    for (auto& [id, actor] : actors)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    settle();
  }

  void start(int32_t id) {
    auto link = net.start(node_id{id}, address(id));
    for (int32_t other = 1; other <= 5; ++other)
      link->introduce(node_id{other}, address(other));
    logs[id] = std::make_shared<heard>();
    const auto actor = system.spawn(listener, logs[id]);
    link->bind(
      conversation::raft, caf::actor_cast<caf::strong_actor_ptr>(actor));
    link->watch(caf::actor_cast<caf::strong_actor_ptr>(actor));
    if (actors.contains(id))
      caf::anon_send_exit(actors[id], caf::exit_reason::kill);
    actors[id] = actor;
    links[id] = std::move(link);
  }
  void send(int32_t from, int32_t to, uint64_t number) {
    envelope e{.conversation = conversation::raft, .request_id = number};
    e.message = shared_bytes::copy_of(std::string(8, 'x'));
    links[from]->send(node_id{to}, std::move(e));
  }
  void run_for(sim_time span) {
    const auto end = world.now() + span;
    settle();
    while (world.next_event() <= end) {
      world.advance_to(world.next_event());
      settle();
    }
    world.advance_to(end);
    settle();
  }
  link_state seen(int32_t by, int32_t of) {
    return net.seen_by(node_id{by}, node_id{of});
  }

  sim_world world;
  test_config config;
  caf::actor_system system{config};
  sim_network net{world};
  std::map<int32_t, std::shared_ptr<sim_node_link>> links;
  std::map<int32_t, std::shared_ptr<heard>> logs;
  std::map<int32_t, caf::actor> actors;

private:
  static endpoint address(int32_t id) {
    return {"node-" + std::to_string(id), 9093};
  }
  void settle() {
    dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler()).run();
  }
};

std::vector<uint64_t> counted(uint64_t from, uint64_t to) {
  std::vector<uint64_t> all;
  for (; from < to; ++from)
    all.push_back(from);
  return all;
}

constexpr node_id one{1};
constexpr node_id two{2};

} // namespace

TEST_CASE("in a good network every message arrives once and in order",
  "[simulation][sim_network]") {
  small_network n{1};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  REQUIRE(n.seen(1, 2) == link_state::up);
  REQUIRE(n.seen(2, 1) == link_state::up);
  for (uint64_t i = 0; i < 5000; ++i)
    n.send(1, 2, i);
  n.run_for(1 * sim_second);
  CHECK(n.logs[2]->messages == counted(0, 5000));
}

TEST_CASE("a bad network loses, doubles and reorders some of the messages",
  "[simulation][sim_network]") {
  small_network n{2};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  n.net.set_manners(network_manners::bad());
  for (uint64_t i = 0; i < 10'000; ++i) {
    n.send(1, 2, i);
    n.run_for(100'000);
  }
  n.run_for(1 * sim_second);
  const auto& c = n.net.counts();
  // Of 10,000: 0.2 % lost, 0.2 % doubled, 0.5 % out of order, on average 20,
  // 20 and 50.
  CHECK(c.lost > 5);
  CHECK(c.doubled > 5);
  CHECK(c.overtook > 20);
  const auto& got = n.logs[2]->messages;
  CHECK(got.size() == 10'000 - c.lost + c.doubled);
  CHECK(!std::is_sorted(got.begin(), got.end()));
}

TEST_CASE("what is cut is told as down after silence, and up when it is mended",
  "[simulation][sim_network]") {
  small_network n{3};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  SECTION("both ways") {
    n.net.cut(one, two);
    n.net.cut(two, one);
  }
  SECTION("one way alone, which both ends notice") {
    n.net.cut(one, two);
  }
  n.run_for(400 * sim_ms);
  CHECK(n.seen(1, 2) == link_state::up); // nobody can know yet
  n.run_for(400 * sim_ms);
  CHECK(n.seen(1, 2) == link_state::down);
  CHECK(n.seen(2, 1) == link_state::down);
  n.send(1, 2, 7);
  n.net.heal();
  n.run_for(200 * sim_ms);
  CHECK(n.seen(1, 2) == link_state::up);
  CHECK(n.seen(2, 1) == link_state::up);
  // What was sent before belonged to no connection.
  CHECK(n.logs[2]->messages.empty());
}

TEST_CASE("a cut that is shorter than anybody's patience only delays",
  "[simulation][sim_network]") {
  small_network n{4};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  n.net.cut(one, two);
  for (uint64_t i = 0; i < 100; ++i)
    n.send(1, 2, i);
  n.run_for(300 * sim_ms);
  CHECK(n.logs[2]->messages.empty());
  n.net.mend(one, two);
  n.run_for(100 * sim_ms);
  CHECK(n.logs[2]->messages == counted(0, 100));
  CHECK(n.logs[2]->changes.size() == 1); // up, at the beginning
}

TEST_CASE("a process that has died is refused within milliseconds",
  "[simulation][sim_network]") {
  small_network n{5};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  n.net.stop(two, process_state::stopped);
  n.run_for(10 * sim_ms);
  CHECK(n.seen(1, 2) == link_state::refused);
  n.start(2);
  n.run_for(100 * sim_ms);
  CHECK(n.seen(1, 2) == link_state::up);
}

TEST_CASE("a machine without power is silent, not refused",
  "[simulation][sim_network]") {
  small_network n{6};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  n.net.stop(two, process_state::off);
  n.run_for(300 * sim_ms);
  CHECK(n.seen(1, 2) == link_state::up);
  n.run_for(500 * sim_ms);
  CHECK(n.seen(1, 2) == link_state::down);
}

TEST_CASE("what was sent to a dead incarnation never reaches the next one",
  "[simulation][sim_network]") {
  small_network n{7};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  n.net.cut(one, two);
  for (uint64_t i = 0; i < 100; ++i)
    n.send(1, 2, i);
  n.net.stop(two, process_state::off);
  n.start(2); // faster than any time-out
  n.net.mend(one, two);
  n.run_for(2 * sim_second);
  CHECK(n.logs[2]->messages.empty());
  CHECK(n.seen(1, 2) == link_state::up);
  // Node 1 was told that the connection had ended.
  REQUIRE(n.logs[1]->changes.size() == 3);
  CHECK(n.logs[1]->changes[1].state == link_state::down);
}

TEST_CASE("a node that stood still reads what had come, then finds out that "
          "it was given up",
  "[simulation][sim_network]") {
  small_network n{8};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  n.net.pause(two);
  n.send(1, 2, 1);
  n.run_for(2 * sim_second);
  CHECK(n.seen(1, 2) == link_state::down);
  CHECK(n.seen(2, 1) == link_state::up); // it did not look
  n.net.resume(two);
  n.run_for(200 * sim_ms);
  CHECK(n.logs[2]->messages == counted(1, 2));
  REQUIRE(n.logs[2]->changes.size() == 3);
  CHECK(n.logs[2]->changes[1].state == link_state::down);
  CHECK(n.logs[2]->changes[2].state == link_state::up);
}

TEST_CASE("a clogged way delivers late, a muted one nothing and says nothing",
  "[simulation][sim_network]") {
  small_network n{9};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  n.net.clog(one, two, 300 * sim_ms);
  n.send(1, 2, 1);
  n.run_for(250 * sim_ms);
  CHECK(n.logs[2]->messages.empty());
  n.run_for(100 * sim_ms);
  CHECK(n.logs[2]->messages == counted(1, 2));
  n.net.mute(one, two, 2 * sim_second);
  n.send(1, 2, 2);
  n.run_for(1900 * sim_ms);
  n.run_for(200 * sim_ms);
  n.send(1, 2, 3);
  n.run_for(100 * sim_ms);
  CHECK(n.logs[2]->messages == std::vector<uint64_t>{1, 3});
  CHECK(n.seen(1, 2) == link_state::up);
}

TEST_CASE("a false alarm is told, and taken back by the next contact",
  "[simulation][sim_network]") {
  small_network n{10};
  n.start(1);
  n.start(2);
  n.run_for(100 * sim_ms);
  n.net.break_contact(one, two, link_state::refused, 300 * sim_ms);
  CHECK(n.seen(1, 2) == link_state::refused);
  n.run_for(50 * sim_ms);
  CHECK(n.seen(2, 1) == link_state::down);
  n.run_for(500 * sim_ms);
  CHECK(n.seen(1, 2) == link_state::up);
  CHECK(n.seen(2, 1) == link_state::up);
}

TEST_CASE("nodes that do not know where the others are do not meet",
  "[simulation][sim_network]") {
  sim_world world{1};
  sim_network net{world};
  const auto a = net.start(one, {"a", 1});
  const auto b = net.start(two, {"b", 1});
  const auto later = [&] {
    world.advance_to(world.now());
    for (int i = 0; i < 100 && world.next_event() != INT64_MAX; ++i)
      world.advance_to(world.next_event());
  };
  a->introduce(two, {"elsewhere", 1});
  later();
  CHECK(net.seen_by(one, two) == link_state::down);
  // One that knows is enough.
  a->introduce(two, {"b", 1});
  later();
  CHECK(net.seen_by(one, two) == link_state::up);
  CHECK(net.seen_by(two, one) == link_state::up);
}
