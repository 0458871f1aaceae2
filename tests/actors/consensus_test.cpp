// Groups of real consensus and controller actors: they form, lose members,
// take in others, and agree.

#include "tests/actors/metadata_group.hpp"

using namespace millrace;

namespace {

uint64_t ask_to_add(metadata_group& group, int32_t asked, int32_t voter) {
  kafka::add_raft_voter_request request;
  request.voter_id = voter;
  request.voter_directory_id = group.directory_of(voter);
  return group.ask(asked, request);
}

uint64_t ask_to_remove(metadata_group& group, int32_t asked, int32_t voter) {
  kafka::remove_raft_voter_request request;
  request.voter_id = voter;
  request.voter_directory_id = group.directory_of(voter);
  return group.ask(asked, request);
}

template <class Response>
std::optional<kafka_error> error_of(
  metadata_group& group, int32_t asked, uint64_t ticket) {
  const auto* response = group.answer<Response>(asked, ticket);
  if (response == nullptr)
    return std::nullopt;
  CHECK(response->error_message.has_value() == (response->error_code != 0));
  UNSCOPED_INFO(response->error_message.value_or(""));
  return static_cast<kafka_error>(response->error_code);
}

constexpr auto added = error_of<kafka::add_raft_voter_response>;
constexpr auto removed = error_of<kafka::remove_raft_voter_response>;

} // namespace

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
  for (const auto view = quorum(1); const auto& m : view.members)
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

TEST_CASE_METHOD(metadata_group,
  "any node describes the group, voters and observers (KIP-595)",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3, 4})
    start(n);
  pass_ms(3000);
  REQUIRE(leader() == 1);
  kafka::describe_quorum_request request;
  request.topics = {{"__cluster_metadata", {{0}, {1}}}, {"t", {{0}}}};
  for (const int32_t n : {1, 3, 4}) {
    const auto ticket = ask(n, request);
    pass_ms(100);
    const auto* told = answer<kafka::describe_quorum_response>(n, ticket);
    REQUIRE(told != nullptr);
    REQUIRE(told->topics.size() == 2);
    const auto& p = told->topics[0].partitions.at(0);
    CHECK(p.error_code == 0);
    CHECK(p.leader_id == 1);
    CHECK(p.high_watermark > 0);
    REQUIRE(p.current_voters.size() == 3);
    for (const auto& voter : p.current_voters) {
      CHECK(voter.log_end_offset == p.high_watermark);
      CHECK(voter.last_fetch_timestamp > 0);
      CHECK(voter.last_caught_up_timestamp == voter.last_fetch_timestamp);
    }
    REQUIRE(p.observers.size() == 1);
    CHECK(p.observers[0].replica_id == 4);
    CHECK(told->nodes.size() == 4);
    const auto unknown
      = static_cast<int16_t>(kafka_error::unknown_topic_or_partition);
    CHECK(told->topics[0].partitions.at(1).error_code == unknown);
    CHECK(told->topics[1].partitions.at(0).error_code == unknown);
  }
}

TEST_CASE_METHOD(metadata_group,
  "an observer gets a vote, and a voter loses it (KIP-853)",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3, 4})
    start(n);
  pass_ms(3000);
  REQUIRE(who_votes() == std::set{1, 2, 3});
  const auto fourth = ask_to_add(*this, 4, 4);
  pass_ms(1000);
  CHECK(added(*this, 4, fourth) == kafka_error::none);
  CHECK(who_votes() == std::set{1, 2, 3, 4});
  // The one that leads, too: another one goes on.
  const auto first = ask_to_remove(*this, 2, 1);
  pass_ms(2000);
  CHECK(removed(*this, 2, first) == kafka_error::none);
  CHECK(leader() != 1);
  CHECK(who_votes() == std::set{2, 3, 4});
  pass_ms(3000);
  CHECK(who_votes() == std::set{2, 3, 4}); // it does not ask for its vote again
  // A voter that is no configured controller is a voter after a new disk too.
  wipe(4);
  start(4);
  pass_ms(3000);
  CHECK(who_votes() == std::set{2, 3, 4});
}

TEST_CASE_METHOD(metadata_group,
  "whoever leads the metadata hands it over when it is asked to",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(3000);
  REQUIRE(leader() == 1);
  kafka::elect_leaders_request request;
  request.topic_partitions.emplace();
  request.topic_partitions->push_back({"__cluster_metadata", {0}});
  const auto ticket = ask(2, request);
  pass_ms(100);
  const auto* told = answer<kafka::elect_leaders_response>(2, ticket);
  REQUIRE(told != nullptr);
  CHECK(told->replica_election_results.at(0).partition_result.at(0).error_code
        == 0);
  CHECK(leader() != -1);
  CHECK(leader() != 1);
  stop(2);
  stop(1);
  const auto alone = ask(3, request);
  pass_ms(40'000);
  const auto* error = answer<kafka_error>(3, alone);
  REQUIRE(error != nullptr); // without a majority there is nobody to ask
  CHECK(*error == kafka_error::request_timed_out);
}

TEST_CASE_METHOD(metadata_group,
  "changes of voters that cannot be are refused with the reason",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3, 4})
    start(n);
  pass_ms(3000);
  const auto code_of_add
    = [&](int32_t voter, uuid directory, std::optional<std::string> cluster) {
        kafka::add_raft_voter_request request;
        request.cluster_id = std::move(cluster);
        request.voter_id = voter;
        request.voter_directory_id = directory;
        const auto ticket = ask(2, request);
        pass_ms(1000);
        return added(*this, 2, ticket);
      };
  CHECK(code_of_add(2, directory_of(2), {}) == kafka_error::duplicate_voter);
  CHECK(code_of_add(9, {1, 2}, {}) == kafka_error::invalid_request);
  CHECK(code_of_add(4, {1, 2}, {}) == kafka_error::invalid_request);
  CHECK(code_of_add(4, directory_of(4), "another")
        == kafka_error::inconsistent_cluster_id);
  const auto observer = ask_to_remove(*this, 3, 4);
  pass_ms(1000);
  CHECK(removed(*this, 3, observer) == kafka_error::voter_not_found);
  CHECK(who_votes() == std::set{1, 2, 3});
}

TEST_CASE_METHOD(metadata_group,
  "a controller whose way to a vote was cut short asks for it again",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  ask_to_register(1);
  pass_ms(100);
  wipe(3);
  // It cannot catch up, and is a learner when the leader that takes it in ends.
  network.loses = [](node_id to, const envelope& message) {
    return to == node_id{3} && message.conversation == conversation::raft;
  };
  start(3);
  const auto is_learner = [&] {
    for (const auto view = quorum(1); const auto& m : view.members)
      if (m.id.node == node_id{3} && !m.is_voter
          && m.id.directory == members.at(3)->directory->identity().directory)
        return true;
    return false;
  };
  pass_ms(1000);
  REQUIRE(is_learner());
  stop(1);
  network.loses = nullptr;
  start(1);
  pass_ms(5000);
  CHECK(who_votes() == std::set{1, 2, 3});
  CHECK(directory_of(3) == members.at(3)->directory->identity().directory);
}

TEST_CASE_METHOD(metadata_group,
  "a wiped node is taken in by a leader that is on no list of controllers",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3, 4})
    start(n);
  pass_ms(3000);
  const auto fourth = ask_to_add(*this, 4, 4);
  pass_ms(1000);
  REQUIRE(added(*this, 4, fourth) == kafka_error::none);
  for (const int32_t n : {1, 2, 3}) {
    const auto ticket = ask_to_remove(*this, 4, n);
    pass_ms(3000);
    REQUIRE(removed(*this, 4, ticket) == kafka_error::none);
  }
  REQUIRE(leader() == 4);
  wipe(3);
  start(3); // it knows 1 and 2, who pass on what it says
  pass_ms(3000);
  CHECK(who_votes() == std::set{3, 4});
  CHECK(directory_of(3) == members.at(3)->directory->identity().directory);
}

TEST_CASE_METHOD(metadata_group,
  "a wiped voter that does not get back to its vote holds up nobody",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  ask_to_register(1);
  pass_ms(100);
  wipe(3);
  network.loses = [](node_id to, const envelope& message) {
    return to == node_id{3} && message.conversation == conversation::raft;
  };
  start(3);
  pass_ms(1000);
  REQUIRE(quorum(leader()).members.size() == 4); // what it was, and is
  stop(3);
  pass_ms(raft.catch_up_ms + 1000);
  start(4);
  pass_ms(3000);
  const auto view = quorum(leader());
  CHECK(
    std::any_of(view.members.begin(), view.members.end(), [](const auto& m) {
      return m.id.node == node_id{4};
    }));
}

TEST_CASE_METHOD(metadata_group,
  "nobody waits for an observer that was taken off the list",
  "[actors][consensus]") {
  for (const int32_t n : {1, 2, 3, 4})
    start(n);
  pass_ms(3000);
  ask_to_register(4);
  pass_ms(500);
  REQUIRE(quorum(leader()).members.size() == 4);
  stop(4);
  const auto ticket = ask(2, kafka::unregister_broker_request{4});
  pass_ms(1000);
  CHECK(error_of<kafka::unregister_broker_response>(*this, 2, ticket)
        == kafka_error::none);
  CHECK(quorum(leader()).members.size() == 3);
  start(4);
  pass_ms(3000);
  CHECK(quorum(leader()).members.size() == 4);
}
