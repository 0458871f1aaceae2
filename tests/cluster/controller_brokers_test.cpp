// Brokers of a cluster that come, live, are shut out and end.
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;
using millrace::test::clustered;
using millrace::test::controller;

namespace {

using nodes = std::vector<node_id>;

std::set<node_id> as_set(const nodes& ids) {
  return {ids.begin(), ids.end()};
}

/// The leader asks for these to be in the ISR.
change_isr_reply ask_isr(controller& c, nodes isr) {
  const auto p = c.partition();
  change_isr request{p.leader, c.image().find_broker(p.leader)->broker_epoch,
    c.image().find_topic("t")->id, p.index, p.epoch, p.partition_epoch, {}};
  for (const auto id : isr)
    request.isr.push_back({id, c.image().find_broker(id)->broker_epoch});
  return c.ask(request);
}

/// The next one in the ring of three.
node_id after(node_id id, int steps = 1) {
  return {(id.value + steps) % 3};
}

} // namespace

TEST_CASE("a broker is let in when it knows of its own registration (R25)",
  "[cluster][controller_brokers]") {
  controller c{1, clustered()};
  REQUIRE(c.register_one(1, 1).error == kafka_error::none);
  CHECK(c.image().find_broker({1})->fenced);
  const auto registered = c.index;
  const auto early = c.beat(1, registered - 1);
  CHECK(early.fenced);
  CHECK_FALSE(early.caught_up);
  CHECK(c.image().find_broker({1})->fenced);
  const auto reply = c.beat(1, registered);
  CHECK_FALSE(reply.fenced);
  CHECK(reply.caught_up);
  CHECK(c.image().is_alive({1}));
  const auto index = c.index;
  CHECK_FALSE(c.beat(1).fenced);
  CHECK(c.index == index); // nothing more to decide
}

TEST_CASE("a broker that was shut out is let in when it knows that (R25)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3);
  const auto leader = c.partition().leader;
  const auto before = c.index;
  c.fence({leader});
  // A zombie, which still believes that it leads.
  CHECK(c.beat(leader.value, before).fenced);
  CHECK_FALSE(c.image().is_alive(leader));
  CHECK_FALSE(c.beat(leader.value).fenced);
  CHECK(c.partition().leader != leader);
}

TEST_CASE("only registered brokers of this life are heard",
  "[cluster][controller_brokers]") {
  controller c{1, clustered()};
  CHECK(c.beat(7).error == kafka_error::broker_id_not_registered);
  const auto old = c.image().find_broker({0})->broker_epoch;
  c.register_one(0, 2);
  CHECK(c.ask(broker_heartbeat{{0}, old, c.index}).error
        == kafka_error::stale_broker_epoch);
  CHECK(c.image().find_broker({0})->fenced);
}

TEST_CASE("an older copy of a broker's directory is refused, and nothing else",
  "[cluster][controller_brokers]") {
  controller c{3};
  const auto start_of = [](uint64_t incarnation) {
    return controller::registration(2, incarnation).incarnation;
  };
  const auto ask = [&](uint64_t incarnation, const std::vector<uuid>& known) {
    auto request = controller::registration(2, incarnation);
    request.known_starts = known;
    return c.run(c.state.decide(request));
  };
  // It was let in as 1, and knows it or may know it.
  CHECK(ask(2, {start_of(1), start_of(2)}).error == kafka_error::none);
  CHECK(c.image().find_broker({2})->directories == std::vector{uuid{77, 2}});
  // Started as 3 and 4 without being let in; then as 5.
  CHECK(ask(5, {start_of(2), start_of(3), start_of(4), start_of(5)}).error
        == kafka_error::none);
  const auto epoch = c.image().find_broker({2})->broker_epoch;
  // What it was when it had been let in as 2 comes out of a backup.
  for (const bool is_fenced : {false, true}) {
    CAPTURE(is_fenced);
    if (is_fenced)
      for (const auto& command : c.state.decide_fence({2}))
        c.apply(command);
    const auto refused
      = ask(6, {start_of(2), start_of(77), start_of(78), start_of(6)});
    CHECK(refused.error == kafka_error::invalid_registration);
    CHECK_THAT(refused.message, Catch::Contains("data directory of node 2")
                                  && Catch::Contains("older copy"));
    CHECK(c.image().find_broker({2})->broker_epoch == epoch);
  }
  // A release that does not keep its starts says nothing about them.
  CHECK(ask(7, {}).error == kafka_error::none);
  // Another directory is another one, and no copy.
  auto wiped = controller::registration(2, 8);
  wiped.directories = {uuid{99, 99}};
  wiped.known_starts = {start_of(8)};
  for (const auto& command : c.state.decide_fence({2}))
    c.apply(command);
  CHECK(c.run(c.state.decide(wiped)).error == kafka_error::none);
}

TEST_CASE("a directory of another cluster is refused",
  "[cluster][controller_brokers]") {
  controller c{1, clustered()};
  auto request = controller::registration(1, 1);
  request.cluster_id = "another";
  const auto reply = c.ask(request);
  CHECK(reply.error == kafka_error::inconsistent_cluster_id);
  CHECK(reply.message.find("another") != std::string::npos);
  request.cluster_id = c.image().cluster_id();
  CHECK(c.ask(request).error == kafka_error::none);
}

TEST_CASE("a restart moves what the broker led to others, at once (R25)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3);
  const auto before = c.partition();
  c.register_one(before.leader.value, 2);
  CHECK(c.partition().leader != before.leader);
  CHECK(c.partition().leader != no_node);
  CHECK(c.partition().epoch > before.epoch);
  // The others are known to live and need not wait for it.
  CHECK_FALSE(has_node(c.partition().isr, before.leader));
  CHECK_FALSE(c.beat(before.leader.value).fenced);
  CHECK(ask_isr(c, before.isr).error == kafka_error::none);
}

TEST_CASE("the only one in sync leads again after its restart, in a new epoch "
          "(R7)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 1);
  const auto before = c.partition();
  c.register_one(before.leader.value, 2);
  CHECK(c.partition().leader == no_node);
  CHECK(c.partition().isr == before.isr);
  c.beat(before.leader.value);
  CHECK(c.partition().leader == before.leader);
  CHECK(c.partition().epoch > before.epoch);
}

TEST_CASE("brokers that are gone together leave their ISR to none of them (R1)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 3, 3);
  c.fence({{0}, {1}, {2}});
  for (size_t i = 0; i < 3; ++i) {
    CHECK(c.partition("t", i).leader == no_node);
    CHECK(c.partition("t", i).isr.size() == 3);
  }
  // Whoever comes first leads everything.
  const node_id first{GENERATE(0, 1, 2)};
  c.start(first.value, 2);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(c.partition("t", i).leader == first);
    CHECK(c.partition("t", i).isr == nodes{first});
  }
}

TEST_CASE("after a power loss of all, whoever comes back first leads (R1)",
  "[cluster][controller_brokers]") {
  // The metadata remembers all of them as alive: nobody was left to say that
  // they had died.
  const int first = GENERATE(0, 1, 2);
  const bool others_expire_first = GENERATE(false, true);
  controller c{3, clustered()};
  c.create("t", 3, 3);
  c.silent = {{0}, {1}, {2}};
  const std::set<node_id> others{{(first + 1) % 3}, {(first + 2) % 3}};
  c.register_one(first, 2);
  if (others_expire_first)
    c.fence(others);
  c.silent.erase({first});
  c.beat(first);
  if (!others_expire_first)
    c.fence(others);
  for (size_t i = 0; i < 3; ++i) {
    INFO("partition " << i);
    CHECK(c.partition("t", i).leader == node_id{first});
    CHECK(c.partition("t", i).isr == nodes{{first}});
  }
}

TEST_CASE("nobody leaves the ISR for a leader that is not known to live (R1)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3);
  const auto before = c.partition();
  c.silent = {{0}, {1}, {2}};
  c.fence({before.leader});
  const auto second = c.partition().leader;
  REQUIRE(second != no_node);
  CHECK(as_set(c.partition().isr) == as_set(before.isr));
  // Its first word: from now on it need not wait for the dead one.
  c.silent.erase(second);
  for (const auto& command : c.state.decide_heard(second))
    c.apply(command);
  CHECK(c.partition().leader == second);
  CHECK(as_set(c.partition().isr)
        == std::set<node_id>{second,
          after(before.leader, after(before.leader) == second ? 2 : 1)});
  CHECK(c.state.decide_heard(second).empty());
}

TEST_CASE("below the minimum ISR those who left it can still lead (KIP-966)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3, {{"min.insync.replicas", "2"}});
  const auto first = c.partition().leader;
  c.fence({first});
  CHECK(c.partition().eligible.empty()); // two are left, which is enough
  const auto second = c.partition().leader;
  const auto third = *std::find_if(
    c.partition().isr.begin(), c.partition().isr.end(), [&](node_id id) {
      return id != second;
    });
  c.fence({third});
  CHECK(c.partition().isr == nodes{second});
  CHECK(c.partition().eligible == nodes{third});
  c.fence({second});
  CHECK(c.partition().leader == no_node);
  // The first one has missed what the two others had without it.
  c.start(first.value, 2);
  CHECK(c.partition().leader == no_node);
  // The third one has not: nothing was committed without it.
  c.start(third.value, 2);
  CHECK(c.partition().leader == third);
  CHECK(c.partition().isr == nodes{third});
  CHECK(c.partition().eligible == nodes{second});
  // With enough in sync, nobody else has to be asked.
  REQUIRE(ask_isr(c, {third, first}).error == kafka_error::none);
  CHECK(c.partition().eligible.empty());
}

TEST_CASE("a lower minimum ISR leaves nobody eligible (KIP-966)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3, {{"min.insync.replicas", "3"}});
  const auto leader = c.partition().leader;
  c.fence({after(leader)});
  REQUIRE(c.partition().eligible == nodes{after(leader)});
  kafka::incremental_alter_configs_request request;
  const bool by_topic = GENERATE(true, false);
  request.resources.push_back({2, "t",
    {{"min.insync.replicas", static_cast<int8_t>(by_topic ? 0 : 1), "2"}}});
  const auto response = c.ask(request);
  CHECK(response.responses.front().error_code == 0);
  CHECK(c.partition().eligible.empty());
  CHECK(c.partition().isr.size() == 2);
}

TEST_CASE("unclean elections that are allowed late happen at once",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 2);
  const auto p = c.partition();
  const auto other = p.replicas.back();
  c.fence({other});
  c.start(other.value, 2);
  c.fence({p.leader}); // alone in the ISR
  REQUIRE(c.partition().leader == no_node);
  kafka::incremental_alter_configs_request request;
  request.resources.push_back(
    {2, "t", {{"unclean.leader.election.enable", 0, "true"}}});
  CHECK(c.ask(request).responses.front().error_code == 0);
  CHECK(c.partition().leader == other);
  CHECK(c.partition().isr == nodes{other});
}

TEST_CASE("a replica that has lost records is not elected (R10)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3);
  const auto p = c.partition();
  const auto topic = c.image().find_topic("t")->id;
  const auto damaged = p.leader;
  c.fence({{0}, {1}, {2}});
  auto request = controller::registration(damaged.value, 2);
  request.lost = {{topic, 0, {10}, {20}}};
  REQUIRE(c.ask(request).error == kafka_error::none);
  c.beat(damaged.value);
  CHECK(c.partition().leader == no_node);
  CHECK_FALSE(has_node(c.partition().isr, damaged));
  c.start(after(damaged).value, 2);
  CHECK(c.partition().leader == after(damaged));
  // It has fetched what it lacked.
  CHECK(ask_isr(c, {after(damaged), damaged}).error == kafka_error::none);
}

TEST_CASE("the last one in sync that has lost records stays last, and does not "
          "lead (R10)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  const bool unclean = GENERATE(false, true);
  c.create("t", 1, 2,
    {{"unclean.leader.election.enable", unclean ? "true" : "false"}});
  const auto leader = c.partition().leader;
  REQUIRE(ask_isr(c, {leader}).error == kafka_error::none);
  c.fence({{0}, {1}, {2}});
  auto request = controller::registration(leader.value, 2);
  request.lost = {{c.image().find_topic("t")->id, 0, {10}, {20}}};
  REQUIRE(c.ask(request).error == kafka_error::none);
  c.beat(leader.value);
  CHECK(c.partition().isr == nodes{leader});
  CHECK(c.partition().leader == (unclean ? leader : no_node));
  // Another restart, which finds nothing new to report, changes nothing.
  c.start(leader.value, 3);
  CHECK(c.partition().leader == (unclean ? leader : no_node));
}

namespace {

/// Starts again with a log that recovery had to cut at `end`.
void start_cut(controller& c, node_id id, uint64_t incarnation, int64_t end,
  leader_epoch last_epoch = {0}) {
  auto request = controller::registration(id.value, incarnation);
  request.cut_short
    = {{c.image().find_topic("t")->id, 0, last_epoch, offset{end}}};
  REQUIRE(c.ask(request).error == kafka_error::none);
  c.beat(id.value);
}

} // namespace

TEST_CASE("a replica whose log was cut does not lead while another one can, "
          "and leaves the ISR for it (R10)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3, {{"min.insync.replicas", "3"}});
  const auto cut = c.partition().leader;
  const auto sound = after(cut);
  const bool others_live = GENERATE(true, false);
  if (!others_live)
    c.fence({{0}, {1}, {2}});
  start_cut(c, cut, 2, 30);
  if (!others_live) {
    CHECK(c.partition().leader == no_node);
    CHECK(has_node(c.partition().isr, cut)); // R1: nobody else is there
    c.start(sound.value, 2);
  }
  const auto leader = c.partition().leader;
  REQUIRE(leader != no_node);
  CHECK(leader != cut);
  CHECK_FALSE(has_node(c.partition().isr, cut));
  CHECK_FALSE(has_node(c.partition().eligible, cut)); // though it was in sync
  CHECK(c.partition().cut_short.empty());
  // What it lacked it has fetched.
  REQUIRE(ask_isr(c, {leader, cut}).error == kafka_error::none);
  c.fence({leader});
  CHECK(c.partition().leader == cut);
}

TEST_CASE("when all were cut, the one whose log goes furthest leads (R1, R10)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3);
  c.fence({{0}, {1}, {2}});
  start_cut(c, {0}, 2, 30, {0});
  CHECK(c.partition().leader == no_node);
  start_cut(c, {0}, 3, 25, {0}); // once more, and it is cut again
  CHECK(c.partition().leader == no_node);
  CHECK(c.partition().isr.size() == 3);
  // Two of three vouch for one another; the later epoch counts first.
  const bool later_epoch = GENERATE(true, false);
  start_cut(c, {1}, 2, later_epoch ? 20 : 26, {later_epoch ? 1 : 0});
  CHECK(c.partition().leader == node_id{1});
  CHECK_FALSE(has_node(c.partition().isr, {0}));
  start_cut(c, {2}, 2, 40, {1});
  CHECK(c.partition().leader == node_id{1});
  CHECK(c.partition().isr == nodes{{1}});
  CHECK(c.partition().cut_short.empty());
}

TEST_CASE("one whose log was cut leads alone where nobody can have more (R10)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  const bool below_minimum = GENERATE(false, true);
  c.create("t", 1, 2, {{"min.insync.replicas", below_minimum ? "2" : "1"}});
  const auto leader = c.partition().leader;
  const auto other = *std::find_if(c.partition().replicas.begin(),
    c.partition().replicas.end(), [&](node_id id) {
      return id != leader;
    });
  c.fence({other});
  REQUIRE(c.partition().isr == nodes{leader});
  REQUIRE(has_node(c.partition().eligible, other) == below_minimum);
  c.fence({leader});
  start_cut(c, leader, 2, 30);
  if (below_minimum) { // the other one has all that was committed
    CHECK(c.partition().leader == no_node);
    c.start(other.value, 2);
    CHECK(c.partition().leader == other);
  } else {
    CHECK(c.partition().leader == leader);
  }
}

TEST_CASE("an unclean election rather takes one in sync whose log was cut than "
          "one that had fallen behind (R10)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3, {{"unclean.leader.election.enable", "true"}});
  const auto behind = c.partition().replicas.front();
  c.fence({behind});
  const auto leader = c.partition().leader;
  REQUIRE(c.partition().isr.size() == 2);
  REQUIRE_FALSE(has_node(c.partition().isr, behind));
  c.fence({{0}, {1}, {2}});
  const bool cut_first = GENERATE(true, false);
  if (cut_first) {
    start_cut(c, leader, 2, 30);
    CHECK(c.partition().leader == leader);
  } else {
    // Nobody else is there: what an operator has allowed happens.
    c.start(behind.value, 2);
    CHECK(c.partition().leader == behind);
  }
}

TEST_CASE("a preferred election passes one by whose log was cut (R10)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3);
  const auto preferred = c.partition().replicas.front();
  c.fence({preferred});
  const auto leader = c.partition().leader;
  REQUIRE(leader != no_node);
  c.start(preferred.value, 2);
  REQUIRE(ask_isr(c, {leader, preferred}).error == kafka_error::none);
  c.silent = {leader}; // another controller has not heard from it yet
  start_cut(c, preferred, 3, 30);
  REQUIRE(find_cut(c.partition(), preferred) != nullptr);
  kafka::elect_leaders_request request;
  request.topic_partitions = {{{"t", {0}}}};
  const auto answer = c.ask(request);
  CHECK(answer.replica_election_results[0].partition_result[0].error_code
        == static_cast<int16_t>(kafka_error::preferred_leader_not_available));
  request.election_type = 2;
  const auto unknown = c.ask(request);
  CHECK(
    unknown.error_code == static_cast<int16_t>(kafka_error::invalid_request));
  CHECK(unknown.replica_election_results[0].partition_result[0].error_code
        == static_cast<int16_t>(kafka_error::invalid_request));
  // Its leader is heard of, and goes on without the one that was cut.
  c.silent.clear();
  for (const auto& command : c.state.decide_heard(leader))
    c.apply(command);
  CHECK_FALSE(has_node(c.partition().isr, preferred));
  CHECK(c.partition().cut_short.empty());
}

TEST_CASE("where there is one replica only, it leads with what it has (R10)",
  "[cluster][controller_brokers]") {
  controller c{1, clustered()};
  c.create("t", 1, 1);
  auto request = controller::registration(0, 2);
  request.lost = {{c.image().find_topic("t")->id, 0, {10}, {20}}};
  REQUIRE(c.ask(request).error == kafka_error::none);
  c.beat(0);
  CHECK(c.partition().leader == node_id{0});
}

TEST_CASE("a wiped disk is noticed at every restart, until it has fetched (R1)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 3);
  const auto leader = c.partition().leader;
  REQUIRE(ask_isr(c, {leader}).error == kafka_error::none);
  c.fence({leader});
  auto request = controller::registration(leader.value, 2);
  request.directories = {uuid{9, 9}};
  for (uint64_t incarnation = 2; incarnation < 4; ++incarnation) {
    request.incarnation.low = incarnation;
    REQUIRE(c.ask(request).error == kafka_error::none);
    c.beat(leader.value);
    CHECK(c.partition().leader == no_node);
  }
  // The old disk is found again.
  c.fence({leader});
  c.start(leader.value, 4);
  CHECK(c.partition().leader == leader);
}

TEST_CASE("a wiped broker is whole again when it has joined the ISR",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 1, 2);
  const auto p = c.partition();
  const auto wiped = p.replicas.back();
  c.fence({wiped});
  auto request = controller::registration(wiped.value, 2);
  request.directories = {uuid{9, 9}};
  REQUIRE(c.ask(request).error == kafka_error::none);
  c.beat(wiped.value);
  REQUIRE(ask_isr(c, p.isr).error == kafka_error::none);
  CHECK(c.partition().directories.back() == uuid{9, 9});
  c.fence({p.leader});
  CHECK(c.partition().leader == wiped);
}

TEST_CASE("without syncs an unclean end costs the place in the ISR (R1)",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  const bool os = GENERATE(true, false);
  const bool unclean = GENERATE(true, false);
  c.create("t", 1, 3, {{"millrace.durability", os ? "os" : "fsync"}});
  const auto leader = c.partition().leader;
  c.fence({{0}, {1}, {2}});
  auto request = controller::registration(leader.value, 2);
  request.unclean = unclean;
  REQUIRE(c.ask(request).error == kafka_error::none);
  c.beat(leader.value);
  CHECK(c.partition().leader == (os && unclean ? no_node : leader));
}

TEST_CASE("a broker that ends hands over what it leads first",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 6, 3);
  c.create("alone", 3, 1);
  const auto first = c.beat(1, {}, true);
  CHECK_FALSE(first.should_shutdown);
  for (const auto& [name, topic] : c.image().topics())
    for (const auto& p : topic->partitions) {
      CHECK(p.leader != node_id{1});
      CHECK((p.leader != no_node || p.isr == nodes{{1}}));
      CHECK((p.isr.size() == 1 || !has_node(p.isr, {1})));
    }
  CHECK(c.image().is_alive({1})); // until everybody knows
  CHECK_FALSE(c.image().is_active({1}));
  // It gets nothing new meanwhile.
  c.create("u", 4, 2);
  for (const auto& p : c.image().find_topic("u")->partitions)
    CHECK_FALSE(has_node(p.replicas, {1}));
  CHECK(ask_isr(c, {{0}, {1}, {2}}).error == kafka_error::ineligible_replica);
  CHECK(c.beat(1, {}, true).should_shutdown);
  CHECK_FALSE(c.image().is_alive({1}));
  CHECK(c.beat(1, {}, true).should_shutdown); // if the answer was lost
  // It comes back as if nothing had been.
  c.start(1, 2);
  CHECK(c.image().is_active({1}));
  for (const auto& p : c.image().find_topic("alone")->partitions)
    CHECK(p.leader != no_node);
}

TEST_CASE("a planned end elects nobody uncleanly while it has the records",
  "[cluster][controller_brokers]") {
  controller c{2, clustered()};
  c.create("t", 1, 2, {{"unclean.leader.election.enable", "true"}});
  const auto leader = c.partition().leader;
  REQUIRE(ask_isr(c, {leader}).error == kafka_error::none);
  CHECK_FALSE(c.beat(leader.value, {}, true).should_shutdown);
  CHECK(c.partition().leader == no_node);
  CHECK(c.partition().isr == nodes{leader});
}

TEST_CASE("what a controller left half done is done by the next one",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.create("t", 6, 3);
  // Of what was decided, only the beginning got into the log.
  c.apply(c.state.decide_fence({1}).front());
  for (const auto& command : c.state.decide_rest())
    c.apply(command);
  for (const auto& p : c.image().find_topic("t")->partitions) {
    CHECK(p.leader != node_id{1});
    CHECK(p.leader != no_node);
  }
  CHECK(c.state.decide_rest().empty());
}

TEST_CASE("topics are made on brokers that live, as many as are asked for",
  "[cluster][controller_brokers]") {
  controller c{3, clustered()};
  c.fence({{2}});
  CHECK(test::error_of(c.create("t", 1, 3).error_code)
        == kafka_error::invalid_replication_factor);
  CHECK(c.create("t", 4, 2).error_code == 0);
  for (const auto& p : c.image().find_topic("t")->partitions)
    CHECK_FALSE(has_node(p.replicas, {2}));
}

TEST_CASE("what a topic gets by default does not depend on who is away",
  "[cluster][controller_brokers]") {
  // The second of three has not been seen yet, the third one is down.
  controller c{0, clustered({{"offsets.topic.num.partitions", "4"}})};
  c.start(0, 1);
  c.start(2, 1);
  c.fence({{2}});
  const std::vector<std::string> names{"__consumer_offsets", "orders"};
  for (const auto& topic : c.run(c.state.decide_auto_creation(names)))
    CHECK(topic.error == kafka_error::none);
  for (const auto& name : names)
    for (const auto& p : c.image().find_topic(name)->partitions) {
      CHECK(p.replicas.size() == 3);
      CHECK(p.leader == node_id{0});
      CHECK(p.isr == nodes{{0}});
    }
  // When they come, they are followers like any other.
  c.start(1, 1);
  const auto& p = c.partition("orders");
  change_isr request{{0}, c.image().find_broker({0})->broker_epoch,
    c.image().find_topic("orders")->id, 0, p.epoch, p.partition_epoch,
    {{{0}, -1}, {{1}, -1}}};
  CHECK(c.ask(request).error == kafka_error::none);
}

TEST_CASE(
  "nobody makes a topic where nobody lives", "[cluster][controller_brokers]") {
  controller c{1, clustered()};
  c.fence({{0}});
  const std::vector<std::string> names{"orders"};
  CHECK(c.run(c.state.decide_auto_creation(names)).front().error
        == kafka_error::invalid_replication_factor);
}

TEST_CASE("a broker of 200,000 partitions is shut out in a moment",
  "[cluster][controller_brokers]") {
  // 20 topics of 10,000 partitions: the most for a change of one partition,
  // which must not copy its topic each time.
  controller c{3, clustered()};
  for (int i = 0; i < 20; ++i)
    REQUIRE(c.create("t" + std::to_string(i), 10'000, 3).error_code == 0);
  const auto shared = c.image(); // as subscribers hold it
  c.fence({{1}});
  int32_t led = 0;
  for (const auto& [name, topic] : c.image().topics())
    for (const auto& p : topic->partitions) {
      led += p.leader == node_id{1} || p.leader == no_node;
      led += has_node(p.isr, {1});
    }
  CHECK(led == 0);
  CHECK(c.image().partition_count() == 200'000);
  CHECK(shared.find_topic("t0")->partitions[1].isr.size() == 3);
}
