#include "cluster/controller_state.hpp"
#include "cluster/partition_settling.hpp"
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;
using millrace::test::controller;

namespace {

change_isr isr_change(const controller& c, std::vector<node_id> isr) {
  const auto* topic = c.image().find_topic("t");
  const auto& p = topic->partitions.front();
  change_isr request;
  request.leader = p.leader;
  request.broker_epoch = c.image().find_broker(p.leader)->broker_epoch;
  request.topic = topic->id;
  request.epoch = p.epoch;
  request.partition_epoch = p.partition_epoch;
  for (const auto id : isr)
    request.isr.push_back({id, c.image().find_broker(id)->broker_epoch});
  return request;
}

} // namespace

TEST_CASE("an empty log begins with a cluster id, once",
  "[cluster][controller_state]") {
  controller_state fresh{test::node(), {}, test::counted_uuids()};
  const auto commands = fresh.decide_bootstrap();
  REQUIRE(commands.size() == 1);
  const auto& created = std::get<cluster_created>(commands.front());
  CHECK(created.cluster_id.size() == 22);
  fresh.apply(commands.front(), 0, 1);
  CHECK(fresh.image().cluster_id() == created.cluster_id);
  CHECK(fresh.decide_bootstrap().empty());
}

TEST_CASE("the cluster id of the configuration is taken",
  "[cluster][controller_state]") {
  controller c{0, {{"millrace.cluster.id", "mine"}}};
  CHECK(c.image().cluster_id() == "mine");
}

TEST_CASE("the same incarnation registers twice with one answer",
  "[cluster][controller_state]") {
  controller c;
  const auto before = c.index;
  const auto again = c.register_one(0, 1);
  CHECK(again.error == kafka_error::none);
  CHECK(again.broker_epoch == c.image().find_broker({0})->broker_epoch);
  CHECK(c.index == before);
}

TEST_CASE("a restart with the same directory takes over at once (R25)",
  "[cluster][controller_state]") {
  controller c;
  const auto before = c.image().find_broker({0})->broker_epoch;
  const auto again = c.register_one(0, 2);
  CHECK(again.error == kafka_error::none);
  CHECK(again.broker_epoch > before);
}

TEST_CASE("another directory under a living broker's number is refused",
  "[cluster][controller_state]") {
  controller c;
  register_broker request;
  request.id = {0};
  request.incarnation = {5, 5};
  request.directories = {uuid{9, 9}};
  CHECK(c.ask(request).error == kafka_error::duplicate_broker_registration);
  for (const auto& command : c.state.decide_fence({0}))
    c.apply(command);
  CHECK(c.ask(request).error == kafka_error::none);
}

TEST_CASE("a fenced broker's partitions go to others in sync",
  "[cluster][controller_state]") {
  controller c{3};
  c.create("t", 6, 3);
  for (const auto& command : c.state.decide_fence({1}))
    c.apply(command);
  CHECK_FALSE(c.image().is_alive({1}));
  for (const auto& p : c.image().find_topic("t")->partitions) {
    CHECK(p.leader != node_id{1});
    CHECK(p.leader != no_node);
    CHECK(p.isr.size() == 2);
    CHECK(p.replicas.size() == 3);
  }
  CHECK(c.state.decide_fence({1}).empty());
}

TEST_CASE("the last one in sync stays so, and leads again when it is back",
  "[cluster][controller_state]") {
  controller c{2};
  c.create("t", 2, 1);
  for (const auto& command : c.state.decide_fence({0}))
    c.apply(command);
  const auto& before = c.image().find_topic("t")->partitions;
  const auto* orphan = &before[0];
  if (orphan->replicas.front() != node_id{0})
    orphan = &before[1];
  CHECK(orphan->leader == no_node);
  CHECK(orphan->isr == std::vector<node_id>{{0}});
  const auto index = orphan->index;
  const auto epoch = orphan->epoch;
  c.register_one(0, 2);
  const auto& after = c.image().find_topic("t")->partitions;
  CHECK(after[static_cast<size_t>(index)].leader == node_id{0});
  CHECK(after[static_cast<size_t>(index)].epoch > epoch);
}

TEST_CASE("without a replica in sync nobody leads, unless it may be unclean",
  "[cluster][controller_state]") {
  controller c{2};
  const bool unclean = GENERATE(false, true);
  c.create("t", 1, 2,
    {{"unclean.leader.election.enable", unclean ? "true" : "false"}});
  const auto first = c.image().find_topic("t")->partitions.front().leader;
  const node_id second{1 - first.value};
  // The second one falls out of the ISR, then the first one dies.
  c.ask(isr_change(c, {first}));
  for (const auto& command : c.state.decide_fence(first))
    c.apply(command);
  const auto& p = c.image().find_topic("t")->partitions.front();
  CHECK(p.leader == (unclean ? second : no_node));
  CHECK(p.isr == std::vector{unclean ? second : first});
}

TEST_CASE("the last one in sync does not lead from another directory (R1)",
  "[cluster][controller_state]") {
  controller c{1};
  const bool unclean = GENERATE(false, true);
  c.create("t", 1, 1,
    {{"unclean.leader.election.enable", unclean ? "true" : "false"}});
  for (const auto& command : c.state.decide_fence({0}))
    c.apply(command);
  register_broker request;
  request.id = {0};
  request.incarnation = {5, 5};
  request.directories = {uuid{9, 9}};
  REQUIRE(c.ask(request).error == kafka_error::none);
  CHECK(c.image().find_topic("t")->partitions.front().leader
        == (unclean ? node_id{0} : no_node));
}

TEST_CASE("an ISR change is fenced by every epoch (R3, KIP-497, KIP-903)",
  "[cluster][controller_state]") {
  controller c{3};
  c.create("t", 1, 3);
  const auto p = c.image().find_topic("t")->partitions.front();
  const auto leader = p.leader;
  const auto other = p.isr.back();
  const auto good = isr_change(c, {leader, other});
  const auto error_with = [&](auto change) {
    auto request = good;
    change(request);
    const auto decided = c.state.decide(request);
    CHECK(decided.records.empty());
    return decided.reply.error;
  };
  CHECK(error_with([](auto& r) {
    --r.broker_epoch;
  }) == kafka_error::stale_broker_epoch);
  CHECK(error_with([](auto& r) {
    r.topic = {9, 9};
  }) == kafka_error::unknown_topic_id);
  CHECK(error_with([](auto& r) {
    r.partition = 1;
  }) == kafka_error::unknown_topic_or_partition);
  CHECK(error_with([](auto& r) {
    --r.epoch.value;
  }) == kafka_error::fenced_leader_epoch);
  CHECK(error_with([](auto& r) {
    ++r.epoch.value;
  }) == kafka_error::not_controller);
  CHECK(error_with([](auto& r) {
    --r.partition_epoch;
  }) == kafka_error::invalid_update_version);
  CHECK(error_with([](auto& r) {
    r.isr.push_back(r.isr.back());
  }) == kafka_error::invalid_request);
  CHECK(error_with([](auto& r) {
    r.isr.clear();
  }) == kafka_error::invalid_request);
  CHECK(error_with([](auto& r) {
    --r.isr.back().broker_epoch;
  }) == kafka_error::ineligible_replica);
  CHECK(c.ask(good).error == kafka_error::none);
  CHECK(c.image().find_topic("t")->partitions.front().isr
        == std::vector{leader, other});
  // The same request again carries a partition epoch that is over.
  CHECK(c.ask(good).error == kafka_error::invalid_update_version);
}

TEST_CASE("a leader whose log is damaged gives its leadership to one in sync "
          "(R10)",
  "[cluster][controller_state]") {
  controller c{3};
  c.create("t", 1, 3, {{"min.insync.replicas", "2"}});
  const auto p = c.image().find_topic("t")->partitions.front();
  const auto second = p.replicas.at(1);
  const auto third = p.replicas.at(2);
  REQUIRE(c.ask(isr_change(c, {p.leader, second})).error == kafka_error::none);
  // It lets nobody in with its last word.
  CHECK(c.ask(isr_change(c, {second, third})).error
        == kafka_error::invalid_request);
  const auto left = c.ask(isr_change(c, {second}));
  REQUIRE(left.error == kafka_error::none);
  CHECK(left.partition.leader == second);
  CHECK(left.partition.epoch.value == p.epoch.value + 1);
  CHECK(left.partition.isr == std::vector{second});
  // Nobody counts on what it has (KIP-966).
  CHECK_FALSE(has_node(left.partition.eligible, p.leader));
}

TEST_CASE("a leader whose log is damaged stays where nobody else can lead",
  "[cluster][controller_state]") {
  controller c{2};
  c.create("t", 1, 2, {{"unclean.leader.election.enable", "true"}});
  const auto p = c.image().find_topic("t")->partitions.front();
  const auto other = p.replicas.at(1);
  const auto asked = isr_change(c, {other});
  for (const auto& command : c.state.decide_fence(other))
    c.apply(command);
  auto request = asked;
  request.partition_epoch
    = c.image().find_topic("t")->partitions.front().partition_epoch;
  CHECK(c.ask(request).error != kafka_error::none);
  CHECK(c.image().find_topic("t")->partitions.front().leader == p.leader);
}

TEST_CASE(
  "asking for the ISR that is there ends what was asked before (KIP-497)",
  "[cluster][controller_state]") {
  controller c{2};
  c.create("t", 1, 2);
  const auto p = c.image().find_topic("t")->partitions.front();
  const auto lost = isr_change(c, {p.leader});
  const auto settled = c.ask(isr_change(c, p.isr));
  CHECK(settled.error == kafka_error::none);
  CHECK(settled.partition.isr == p.isr);
  CHECK(settled.partition.partition_epoch == p.partition_epoch + 1);
  // It comes late, and means nothing any more.
  CHECK(c.ask(lost).error == kafka_error::invalid_update_version);
}

TEST_CASE("a fenced broker does not join the ISR (R3, KIP-841)",
  "[cluster][controller_state]") {
  controller c{2};
  c.create("t", 1, 2);
  const auto p = c.image().find_topic("t")->partitions.front();
  const auto other = p.leader == node_id{0} ? node_id{1} : node_id{0};
  for (const auto& command : c.state.decide_fence(other))
    c.apply(command);
  auto request = isr_change(c, {p.leader, other});
  CHECK(c.ask(request).error == kafka_error::ineligible_replica);
}

TEST_CASE("blocks of producer ids do not overlap, whoever asks (R14)",
  "[cluster][controller_state]") {
  controller c{2};
  std::set<int64_t> firsts;
  for (int i = 0; i < 6; ++i) {
    const node_id broker{i % 2};
    const auto reply = c.ask(allocate_producer_ids{
      broker, c.image().find_broker(broker)->broker_epoch});
    REQUIRE(reply.error == kafka_error::none);
    REQUIRE(reply.count == 1000);
    firsts.insert(reply.first.value);
  }
  CHECK(firsts == std::set<int64_t>{0, 1000, 2000, 3000, 4000, 5000});
  CHECK(c.image().next_producer_id() == producer_id{6000});
}

TEST_CASE("an earlier incarnation gets no producer ids",
  "[cluster][controller_state]") {
  controller c;
  const auto old = c.image().find_broker({0})->broker_epoch;
  c.register_one(0, 2);
  CHECK(c.ask(allocate_producer_ids{{0}, old}).error
        == kafka_error::stale_broker_epoch);
  CHECK(c.ask(allocate_producer_ids{{5}, 1}).error
        == kafka_error::broker_id_not_registered);
}
