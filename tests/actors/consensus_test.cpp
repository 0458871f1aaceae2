// Groups of real consensus and controller actors: they form, lose members,
// take in others, and agree.

#include "tests/actors/metadata_group.hpp"

using namespace millrace;

TEST_CASE_METHOD(metadata_group,
  "three nodes form a cluster, and any of them takes a request",
  "[actors][consensus]") {
  start(1);
  start(2);
  pass_ms(1000);
  CHECK(leader() == -1); // not before all controllers are there
  start(3);
  pass_ms(2000);
  REQUIRE(leader() == 1);
  CHECK(quorum(2).leader == node_id{1});
  CHECK(quorum(1).members.size() == 3);
  for (const auto& m : quorum(1).members)
    CHECK(m.is_voter);
  const auto registered = ask_to_register(3);
  pass_ms(100);
  REQUIRE(members.at(3)->seen->answers.contains(registered));
  for (const int32_t n : {1, 2, 3}) {
    const auto ticket = ask_for_topic(n, "t" + std::to_string(n));
    pass_ms(100);
    CHECK(created(n, ticket) == kafka_error::none);
  }
  pass_ms(100);
  for (const int32_t n : {1, 2, 3}) {
    CHECK(image(n) == image(1));
    CHECK(image(n).topics().size() == 3);
  }
}

TEST_CASE_METHOD(metadata_group,
  "when the leader is killed another one goes on, and it comes back",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  REQUIRE(leader() == 1);
  ask_to_register(2);
  pass_ms(100);
  stop(1);
  pass_ms(200); // refused: no need to wait for an election time-out
  const auto next = leader();
  REQUIRE(next != -1);
  const auto other = 5 - next;
  const auto ticket = ask_for_topic(other, "after");
  pass_ms(100);
  CHECK(created(other, ticket) == kafka_error::none);
  start(1);
  pass_ms(1000);
  CHECK(leader() == next);
  CHECK(image(1) == image(next));
  CHECK(image(1).find_topic("after") != nullptr);
}

TEST_CASE_METHOD(metadata_group,
  "a request that meets a leader without a majority is answered by the next",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  REQUIRE(leader() == 1);
  ask_to_register(2);
  pass_ms(100);
  network.cut_off.insert(node_id{1});
  const auto lost = ask_for_topic(1, "lost");
  const auto kept = ask_for_topic(2, "kept");
  pass_ms(3000);
  CHECK_FALSE(created(1, lost).has_value());
  CHECK(created(2, kept) == kafka_error::none);
  CHECK(image(1).find_topic("lost") == nullptr); // speculation is not told
  network.cut_off.clear();
  pass_ms(3000);
  CHECK(created(1, lost) == kafka_error::none);
  CHECK(image(1) == image(2));
  CHECK(image(1) == image(3));
}

TEST_CASE_METHOD(metadata_group,
  "a wiped voter comes back as another voter (R24), and others learn",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  ask_to_register(1);
  pass_ms(100);
  const auto before = quorum(leader()).members;
  wipe(3);
  start(3);
  start(4); // no controller: a learner
  pass_ms(5000);
  const auto view = quorum(leader());
  REQUIRE(view.members.size() == 4);
  for (const auto& m : view.members) {
    CHECK(m.is_voter == (m.id.node != node_id{4}));
    if (m.id.node == node_id{3})
      for (const auto& old : before)
        CHECK(old.id != m.id);
  }
  const auto ticket = ask_for_topic(4, "t");
  pass_ms(1000);
  CHECK(created(4, ticket) == kafka_error::none);
  CHECK(image(3) == image(1));
  CHECK(image(4) == image(1));
}

TEST_CASE_METHOD(metadata_group,
  "a node that lacks too much of the log gets a snapshot, and tells no jump",
  "[actors][consensus]") {
  raft.snapshot_entries = 20;
  raft.kept_entries = 5;
  raft.chunk_bytes_max = 512;
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  REQUIRE(leader() == 1);
  ask_to_register(1);
  pass_ms(100);
  stop(3);
  for (int i = 0; i < 60; ++i) {
    const auto ticket = ask_for_topic(1, "t" + std::to_string(i));
    pass_ms(50);
    REQUIRE(created(1, ticket) == kafka_error::none);
  }
  pass_ms(2000);
  start(3);
  pass_ms(3000);
  CHECK(image(3) == image(1));
  // And so it is after a start from its own disk.
  pass_ms(2000);
  stop(3);
  start(3);
  CHECK(image(3).topics().size() == 60);
  pass_ms(1000);
  CHECK(image(3) == image(1));
}

TEST_CASE_METHOD(metadata_group,
  "a node that stops leads nothing before it goes, and is not let in again",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  for (const int32_t n : {1, 2, 3})
    ask_to_register(n);
  pass_ms(500);
  kafka::create_topics_request request;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.num_partitions = 3;
  topic.replication_factor = 3;
  ask(2, request);
  pass_ms(100);
  REQUIRE(image(2).find_topic("t") != nullptr);
  leave(3);
  pass_ms(100); // a planned move is quick
  CHECK(has_left(3));
  pass_ms(2000);
  CHECK_FALSE(image(1).is_alive(node_id{3}));
  for (const auto& p : image(1).find_topic("t")->partitions) {
    CHECK(p.leader != node_id{3});
    CHECK(p.leader != no_node);
  }
  // Nobody is left to take anything over: no reason to wait.
  stop(3);
  leave(2);
  pass_ms(100);
  CHECK(has_left(2));
  stop(2);
  leave(1);
  pass_ms(100);
  CHECK(has_left(1));
}
