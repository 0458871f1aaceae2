#include "tests/cluster/consumer_group_host.hpp"

namespace millrace {

using namespace test;

TEST_CASE("a first member gets everything in its first heartbeat",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 3);
  consumer_client a{host, "a"};
  a.beat();
  CHECK(a.error == kafka_error::none);
  CHECK(a.epoch == 2);
  CHECK(a.owned == partition_set{{topic_id("t"), {0, 1, 2}}});
  CHECK(host.group().phase() == consumer_group_phase::stable);
}

TEST_CASE("a second member gets its part once the first has given it up",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  consumer_client b{host, "b"};
  a.beat();
  b.beat();
  CHECK(b.epoch == 3);
  CHECK(b.owned.empty());
  CHECK(host.member("b").phase == member_phase::unreleased_partitions);
  CHECK(host.group().phase() == consumer_group_phase::reconciling);
  CHECK(a.beat()); // it learns, and gives up two
  CHECK(a.epoch == 2);
  CHECK(host.member("a").phase == member_phase::unrevoked_partitions);
  b.beat();
  CHECK(b.owned.empty()); // as nobody knows yet
  a.beat();
  CHECK(a.epoch == 3);
  b.beat();
  CHECK(count_of(b.owned) == 2);
  CHECK(common_to(a.owned, b.owned).empty());
  CHECK(host.group().phase() == consumer_group_phase::stable);
}

TEST_CASE("a keep-alive writes nothing and tells no assignment",
  "[cluster][consumer_group_heartbeat]") {
  pair_of_members g;
  const auto written = g.host.log.size();
  auto request = g.a.request();
  request.topic_partitions.reset();
  const auto answer = g.host.send(request);
  CHECK(answer.member_epoch == g.a.epoch);
  CHECK_FALSE(answer.assignment);
  CHECK(g.host.log.size() == written);
}

TEST_CASE("a full request is answered with the assignment",
  "[cluster][consumer_group_heartbeat]") {
  pair_of_members g;
  auto request = g.a.request();
  request.rebalance_timeout_ms = 60'000;
  g.a.subscribe(request);
  const auto answer = g.host.send(request);
  REQUIRE(answer.assignment);
  CHECK(partitions_of(answer.assignment->topic_partitions) == g.a.owned);
}

TEST_CASE("when a member leaves the others take over what it had",
  "[cluster][consumer_group_heartbeat]") {
  pair_of_members g;
  const auto epoch = g.host.group().epoch();
  g.b.leave();
  CHECK(g.b.error == kafka_error::none);
  CHECK(g.host.group().epoch() == epoch + 1);
  CHECK(g.host.group().phase() == consumer_group_phase::assigning);
  g.a.beat();
  CHECK(count_of(g.a.owned) == 4);
  CHECK(g.a.epoch == epoch + 1);
  g.a.leave();
  CHECK(g.host.group().phase() == consumer_group_phase::empty);
}

TEST_CASE("a member that is silent for a session is out",
  "[cluster][consumer_group_heartbeat]") {
  pair_of_members g;
  g.host.advance(g.host.config.session_timeout_ms - 1);
  g.a.beat();
  g.host.advance(1);
  CHECK(g.host.group().find("a"));
  CHECK_FALSE(g.host.group().find("b"));
  g.a.beat();
  CHECK(count_of(g.a.owned) == 4);
  g.b.beat();
  CHECK(g.b.error == kafka_error::unknown_member_id);
  g.b.beat(); // joins again
  CHECK(g.b.error == kafka_error::none);
}

TEST_CASE("who does not give up partitions in time is out",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  consumer_client b{host, "b"};
  a.rebalance_timeout_ms = 20'000;
  a.gives_up = false;
  a.beat();
  b.beat();
  a.beat();
  CHECK(host.member("a").phase == member_phase::unrevoked_partitions);
  for (int s = 0; s < 19; ++s) {
    host.advance(1'000);
    a.beat();
    b.beat();
  }
  CHECK(host.group().find("a"));
  host.advance(1'000);
  CHECK_FALSE(host.group().find("a"));
  b.beat();
  CHECK(count_of(b.owned) == 4);
  CHECK(host.groups.rebalances("g")->notes().back().cause.reason
        == "did not give up its partitions in time");
}

TEST_CASE("giving up partitions ends the time for it",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  consumer_client b{host, "b"};
  a.rebalance_timeout_ms = 10'000;
  a.beat();
  b.beat();
  a.settle();
  b.settle();
  for (int s = 0; s < 30; ++s) {
    host.advance(1'000);
    a.beat();
    b.beat();
  }
  CHECK(count_of(a.owned) == 2);
  CHECK(host.group().members().size() == 2);
}

TEST_CASE("a heartbeat with a foreign epoch is fenced",
  "[cluster][consumer_group_heartbeat]") {
  pair_of_members g;
  auto request = g.a.request();
  request.member_epoch = g.a.epoch + 1;
  CHECK(consumer_group_host::error_of(g.host.send(request))
        == kafka_error::fenced_member_epoch);
  request.member_epoch = g.a.epoch - 1; // and owns no more than it should
  CHECK(
    consumer_group_host::error_of(g.host.send(request)) == kafka_error::none);
  insert(g.a.owned, topic_id("t"), 99);
  request.topic_partitions = list_of<owned_topic>(g.a.owned);
  CHECK(consumer_group_host::error_of(g.host.send(request))
        == kafka_error::fenced_member_epoch);
}

TEST_CASE("a join whose answer was lost can be sent again",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 2);
  consumer_client a{host, "a"};
  host.send(a.request());
  a.beat();
  CHECK(a.error == kafka_error::none);
  CHECK(a.epoch == 2);
  CHECK(count_of(a.owned) == 2);
  CHECK(host.group().epoch() == 2);
}

TEST_CASE(
  "who is not a member is told so", "[cluster][consumer_group_heartbeat]") {
  pair_of_members g;
  consumer_client stranger{g.host, "stranger"};
  stranger.epoch = 3;
  CHECK(consumer_group_host::error_of(g.host.send(stranger.request()))
        == kafka_error::unknown_member_id);
  stranger.leave();
  CHECK(stranger.error == kafka_error::unknown_member_id);
  auto request = stranger.request();
  request.group_id = "no such group";
  request.member_epoch = 5;
  CHECK(consumer_group_host::error_of(g.host.send(request))
        == kafka_error::group_id_not_found);
  CHECK_FALSE(g.host.groups.find("no such group"));
}

TEST_CASE("a group takes no more members than it may",
  "[cluster][consumer_group_heartbeat]") {
  pair_of_members g{{.assignment_interval_ms = 0, .size_max = 2}};
  consumer_client c{g.host, "c"};
  c.beat();
  CHECK(c.error == kafka_error::group_max_size_reached);
  g.a.beat();
  CHECK(g.a.error == kafka_error::none);
}

TEST_CASE(
  "version 0 gives a member its id", "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 1);
  consumer_client a{host, ""};
  const auto answer = host.send(a.request(), 0);
  REQUIRE(answer.member_id);
  CHECK(answer.member_id->size() == 22);
  CHECK(host.group().find(*answer.member_id));
}

TEST_CASE("a static member comes back to what it had, and nobody notices",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  consumer_client b{host, "b"};
  a.instance_id = "one";
  b.instance_id = "two";
  a.beat();
  b.beat();
  a.settle();
  b.settle();
  const auto owned = b.owned;
  const auto epoch = host.group().epoch();
  b.leave(epoch_going_away);
  CHECK(b.error == kafka_error::none);
  CHECK(host.member("b").is_away());
  a.beat();
  CHECK(count_of(a.owned) == 2);
  consumer_client again{host, "b2"};
  again.instance_id = "two";
  again.beat();
  CHECK(again.owned == owned);
  CHECK(again.epoch == epoch);
  CHECK(host.group().epoch() == epoch);
  CHECK_FALSE(host.group().find("b"));
  CHECK(host.group().phase() == consumer_group_phase::stable);
}

TEST_CASE("a static member that stays away loses its place with its session",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  a.instance_id = "one";
  a.beat();
  a.leave(epoch_going_away);
  host.advance(host.config.session_timeout_ms);
  CHECK(host.group().members().empty());
}

TEST_CASE("an instance id in use is not given to another member",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  a.instance_id = "one";
  a.beat();
  consumer_client twin{host, "twin"};
  twin.instance_id = "one";
  twin.beat();
  CHECK(twin.error == kafka_error::unreleased_instance_id);
  twin.epoch = a.epoch;
  CHECK(consumer_group_host::error_of(host.send(twin.request()))
        == kafka_error::fenced_instance_id);
  twin.leave();
  CHECK(twin.error == kafka_error::fenced_instance_id);
  twin.instance_id = "unknown";
  twin.leave();
  CHECK(twin.error == kafka_error::unknown_member_id);
}

TEST_CASE("a member that changes its subscription moves by heartbeats",
  "[cluster][consumer_group_heartbeat]") {
  pair_of_members g;
  g.host.set_topic("u", 2);
  const auto epoch = g.host.group().epoch();
  if (g.b.resubscribe({"u"}))
    g.b.settle();
  CHECK(g.host.group().epoch() == epoch + 1);
  CHECK(g.b.owned == partition_set{{topic_id("u"), {0, 1}}});
  g.a.beat();
  CHECK(count_of(g.a.owned) == 4);
}

TEST_CASE("what a member no longer subscribes to goes at once, also before a "
          "new assignment is due",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host{{.assignment_interval_ms = 1'000}};
  host.set_topic("t", 4);
  host.set_topic("u", 4);
  consumer_client a{host, "a", {"t", "u"}};
  a.beat();
  CHECK(a.resubscribe({"u"}));
  CHECK(a.owned == partition_set{{topic_id("u"), {0, 1, 2, 3}}});
  CHECK(host.group().phase() == consumer_group_phase::assigning);
  CHECK(host.member("a").phase == member_phase::unrevoked_partitions);
  a.beat();
  CHECK(host.member("a").phase == member_phase::stable);
  host.advance(1'000);
  a.beat();
  CHECK(host.group().phase() == consumer_group_phase::stable);
}

TEST_CASE("new partitions and new topics are assigned at the next heartbeat",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 2);
  consumer_client a{host, "a", {"t", "later"}};
  a.beat();
  CHECK(count_of(a.owned) == 2);
  host.set_topic("t", 3);
  a.beat();
  CHECK(count_of(a.owned) == 3);
  host.set_topic("later", 1);
  a.beat();
  CHECK(count_of(a.owned) == 4);
  const auto epoch = host.group().epoch();
  host.set_topic("of nobody", 1);
  a.beat();
  CHECK(host.group().epoch() == epoch);
  host.set_topic("t", 0);
  a.settle();
  CHECK(a.owned == partition_set{{topic_id("later"), {0}}});
}

TEST_CASE("a regular expression subscribes to what matches it as a whole",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("orders-1", 1);
  host.set_topic("old-orders-1", 1);
  consumer_client a{host, "a", {}};
  a.regex = "orders-[0-9]+";
  a.beat();
  CHECK(a.owned == partition_set{{topic_id("orders-1"), {0}}});
  CHECK(host.group().regexes().at(a.regex).topics
        == std::vector<std::string>{"orders-1"});
  host.set_topic("orders-2", 1);
  a.beat();
  CHECK(count_of(a.owned) == 2);
  host.set_topic("orders-1", 0);
  a.settle();
  CHECK(a.owned == partition_set{{topic_id("orders-2"), {0}}});
  a.leave();
  CHECK(host.group().regexes().empty());
}

TEST_CASE("a topic that another member names counts for an expression too",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 1);
  consumer_client a{host, "a", {"t", "t2"}};
  consumer_client b{host, "b", {}};
  b.regex = "t.*";
  a.beat();
  b.beat();
  a.settle();
  b.settle();
  host.set_topic("t2", 5);
  a.settle();
  b.settle();
  a.settle();
  b.settle();
  CHECK(count_of(a.owned) == 3);
  CHECK(count_of(b.owned) == 3);
}

TEST_CASE("the assignor that most members want assigns",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 2);
  host.set_topic("u", 2);
  consumer_client a{host, "a", {"t", "u"}};
  consumer_client b{host, "b", {"t", "u"}};
  a.assignor = "range";
  b.assignor = "range";
  a.beat();
  b.beat();
  a.settle();
  b.settle();
  // Co-partitioned, as uniform need not.
  CHECK(a.owned.at(topic_id("t")) == a.owned.at(topic_id("u")));
  kafka::consumer_group_describe_response::described_group described;
  host.groups.describe("g", described);
  CHECK(described.assignor_name == "range");
}

TEST_CASE("members that come one by one are assigned together",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host{{.assignment_interval_ms = 1'000}};
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  consumer_client b{host, "b"};
  consumer_client c{host, "c"};
  a.beat();
  CHECK(count_of(a.owned) == 4); // nothing to wait for
  host.advance(100);
  b.beat();
  c.beat();
  CHECK(b.error == kafka_error::none);
  CHECK(b.epoch == 2);
  CHECK(host.group().phase() == consumer_group_phase::assigning);
  CHECK(host.group().assignment_epoch() == 2);
  host.advance(900);
  for (int round = 0; round < 3; ++round)
    for (auto* client : {&a, &b, &c})
      client->settle();
  CHECK(host.group().assignment_epoch() == 4);
  CHECK(count_of(a.owned) + count_of(b.owned) + count_of(c.owned) == 4);
  CHECK(host.group().phase() == consumer_group_phase::stable);
}

TEST_CASE("while a group settles its members are asked to come more often",
  "[cluster][consumer_group_heartbeat]") {
  pair_of_members g;
  CHECK(g.a.interval_ms == g.host.config.settling_heartbeat_interval_ms);
  g.host.advance(g.host.config.heartbeat_interval_ms);
  g.a.beat();
  g.b.beat();
  CHECK(g.a.interval_ms == g.host.config.heartbeat_interval_ms);
  CHECK(g.b.interval_ms == g.host.config.heartbeat_interval_ms);
}

TEST_CASE("the last rebalances say who, why and how long",
  "[cluster][consumer_group_heartbeat]") {
  pair_of_members g;
  g.host.advance(2'000);
  g.b.leave();
  g.host.advance(300);
  g.a.beat();
  const auto& notes = g.host.groups.rebalances("g")->notes();
  REQUIRE(notes.size() == 3);
  CHECK(notes[0].cause.member == "a");
  CHECK(notes[0].cause.reason == "joined");
  CHECK(notes[2].cause.member == "b");
  CHECK(notes[2].cause.reason == "left");
  CHECK(notes[2].epoch == 4);
  CHECK(notes[2].duration_ms == 300);
}

TEST_CASE("before the topics are known heartbeats are told to come back",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  consumer_client a{host, "a"};
  a.beat();
  CHECK(a.error == kafka_error::coordinator_load_in_progress);
  CHECK_FALSE(host.groups.find("g"));
}

TEST_CASE("a member without topics is a member",
  "[cluster][consumer_group_heartbeat]") {
  consumer_group_host host;
  host.set_topic("t", 1);
  consumer_client a{host, "a", {}};
  a.beat();
  CHECK(a.error == kafka_error::none);
  CHECK(a.epoch == 1); // it changes nothing
  CHECK(a.owned.empty());
}

} // namespace millrace
