// Partitions of several nodes between a controller, disks and a network that
// the test plays.

#include "tests/actors/replica_fixture.hpp"

using namespace millrace;
using namespace std::chrono_literals;

namespace {

using strings = std::vector<std::string>;

kafka_error error_of(
  const std::map<uint64_t, produce_result>& answers, uint64_t ticket) {
  const auto at = answers.find(ticket);
  REQUIRE(at != answers.end());
  return at->second.error;
}

} // namespace

TEST_CASE("acks=all is answered when every member of the ISR has it on disk "
          "(R2)",
  "[actors][replication]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.carry();
  // The followers have it before the leader has synced.
  CHECK(f.values(2) == strings{"a"});
  CHECK(f.values(3) == strings{"a"});
  f.sync(2);
  f.carry();
  f.sync(1);
  f.carry();
  CHECK(f.answers().empty());
  f.sync(3);
  CHECK(f.answers().empty()); // the leader does not know yet
  f.carry();
  const auto answers = f.answers();
  CHECK(error_of(answers, 7) == kafka_error::none);
  CHECK(answers.at(7).base_offset == offset{0});
}

TEST_CASE("the leader's own disk counts too (R2)", "[actors][replication]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.carry();
  f.sync(2);
  f.sync(3);
  f.carry();
  CHECK(f.answers().empty());
  f.sync(1);
  CHECK(error_of(f.answers(), 7) == kafka_error::none);
}

TEST_CASE("consumers see only what every member of the ISR has on disk (R8)",
  "[actors][replication]") {
  replica_fixture f;
  f.produce(1, 7, "a", 1);
  CHECK(error_of(f.answers(), 7) == kafka_error::none);
  CHECK(f.fetch(1, offset{0})->bytes == 0);
  f.live(100ms);
  const auto seen = f.fetch(1, offset{0});
  CHECK(seen->bytes > 0);
  CHECK(seen->high_watermark == offset{1});
  // Followers learn of it, and send to the leader who knows of leaders only.
  CHECK(f.look(2).high_watermark == offset{1});
  CHECK(f.fetch(2, offset{0})->error == kafka_error::not_leader_or_follower);
  f.produce(2, 8, "b");
  CHECK(error_of(f.answers(), 8) == kafka_error::not_leader_or_follower);
}

TEST_CASE("an idle partition says nothing", "[actors][replication]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  f.live(100ms);
  const auto before = f.network.carried;
  f.live(20s);
  CHECK(f.network.carried == before);
}

TEST_CASE("a follower that is gone holds acks=all up until the ISR is shrunk, "
          "and comes back into it",
  "[actors][replication]") {
  replica_fixture f;
  f.crash(3);
  f.produce(1, 7, "a");
  f.live(990ms);
  CHECK(f.answers().empty());
  CHECK(f.proposals.empty());
  f.live(60ms);
  REQUIRE(f.proposals.size() == 1);
  // Proposed is not committed (R2).
  CHECK(f.answers().empty());
  CHECK(f.decide_proposal() == kafka_error::none);
  CHECK(f.isr() == std::vector<int32_t>{1, 2});
  CHECK(error_of(f.answers(), 7) == kafka_error::none);

  f.boot(3);
  f.live(100ms);
  CHECK(f.values(3) == strings{"a"});
  REQUIRE(f.proposals.size() == 1);
  CHECK(f.proposals.front().change().isr.size() == 3);
  f.decide_proposal();
  CHECK(f.isr() == std::vector<int32_t>{1, 2, 3});
  CHECK(f.proposals.empty());
}

TEST_CASE("a replica joins the ISR only with all that is committed on its disk "
          "(R3)",
  "[actors][replication]") {
  replica_fixture f;
  f.crash(3);
  f.set_isr({1, 2});
  f.announce();
  f.produce(1, 7, "a");
  f.settle();
  f.boot(3);
  f.carry();
  CHECK(f.values(3) == strings{"a"});
  CHECK(f.proposals.empty()); // appended, not synced
  f.pass(60ms); // nobody waits for it, so that it takes its time (R8)
  f.carry();
  CHECK(f.proposals.empty());
  f.sync(3);
  f.carry();
  CHECK(f.proposals.size() == 1);
}

TEST_CASE("what a deposed leader alone had is cut by its epoch (R11), with the "
          "durable hint lowered first",
  "[actors][replication]") {
  replica_fixture f;
  f.produce(1, 1, "a");
  f.settle();
  f.produce(1, 2, "lost", -1);
  f.produce(1, 3, "lost too", 1);
  f.network.drop_all();
  f.sync(1);
  f.network.drop_all();
  CHECK(f.answers().size() == 2); // 1 and 3
  f.elect(2);
  f.announce({2, 3});
  f.settle();
  // It does not know that it has been deposed, and nobody listens (KIP-101).
  f.produce(1, 4, "lost as well");
  f.live(300ms);
  CHECK(f.values(2) == strings{"a"});
  CHECK(f.values(3) == strings{"a"});
  CHECK(f.answers().empty());

  f.node(1).saves_hints = false;
  f.announce({1});
  CHECK(error_of(f.answers(), 2) == kafka_error::not_leader_or_follower);
  f.settle();
  CHECK(f.values(1).size() == 4); // nothing is cut before the hint is durable
  REQUIRE(f.node(1).hints_saved_so_far.size() == 1);
  CHECK(f.node(1).hints_saved_so_far[0].durable == offset{1});
  f.client->send(f.node(1).subject, hints_saved{offset{1}, true});
  f.settle();
  CHECK(f.values(1) == strings{"a"});
  f.produce(2, 5, "b");
  f.settle();
  CHECK(error_of(f.answers(), 5) == kafka_error::none);
  CHECK(f.values(1) == strings{"a", "b"});
  CHECK(f.epochs(1) == std::vector<int32_t>{1, 2});
}

TEST_CASE("logs that part in several epochs find where they are one (KIP-279)",
  "[actors][replication]") {
  replica_fixture f{2};
  f.produce(1, 1, "a");
  f.settle();
  // Each leads alone for a while, and neither is heard by the other.
  for (int32_t round = 0; round < 3; ++round)
    for (const int32_t leader : {1, 2}) {
      f.elect(leader);
      f.announce({leader});
      f.produce(leader, 0, "by " + std::to_string(leader), 1);
      f.network.drop_all();
      f.sync(leader);
      f.network.drop_all();
    }
  CHECK(f.epochs(1) == std::vector<int32_t>{1, 2, 4, 6});
  CHECK(f.epochs(2) == std::vector<int32_t>{1, 3, 5, 7});
  f.elect(2);
  f.announce();
  f.settle();
  CHECK(f.values(1) == strings{"a", "by 2", "by 2", "by 2"});
  CHECK(f.epochs(1) == f.epochs(2));
}

TEST_CASE("a leadership in which nothing was written parts no logs",
  "[actors][replication]") {
  replica_fixture f{2};
  f.produce(1, 1, "a");
  f.settle();
  f.elect(1);
  f.announce({1});
  f.network.drop_all();
  f.elect(2);
  f.announce();
  f.live(100ms);
  CHECK(f.node(1).hints_saved_so_far.empty());
  f.produce(2, 2, "b");
  f.settle();
  CHECK(error_of(f.answers(), 2) == kafka_error::none);
  CHECK(f.values(1) == strings{"a", "b"});
}

TEST_CASE("a new leader acknowledges nothing that it knows only for itself",
  "[actors][replication]") {
  replica_fixture f;
  f.produce(1, 1, "a");
  f.settle();
  f.produce(1, 2, "b", 1);
  f.network.carry(); // to one of the followers
  f.network.drop_all();
  f.scheduler().run();
  const int32_t next = f.values(2).size() == 2 ? 2 : 3;
  const int32_t other = 5 - next;
  f.crash(1);
  f.sync(next);
  f.network.drop_all();
  f.elect(next);
  f.set_isr({2, 3});
  f.announce();
  // It is in the leader's log, but the other may not have it.
  CHECK(f.look(next).log_end == offset{2});
  CHECK(f.look(next).high_watermark == offset{1});
  f.live(100ms);
  CHECK(f.look(next).high_watermark == offset{2});
  CHECK(f.values(other) == strings{"a", "b"});
}

TEST_CASE("ListOffsets waits until a new leader knows what was committed "
          "(KIP-207)",
  "[actors][replication]") {
  replica_fixture f;
  f.produce(1, 1, "a");
  f.settle();
  f.produce(1, 2, "b", 1);
  f.carry();
  f.network.drop_all();
  f.elect(2);
  f.set_isr({1, 2, 3});
  f.announce({2});
  const auto latest = [&] {
    return f.ask(2, ask_offset_by_time{-1});
  };
  CHECK(latest().error == kafka_error::offset_not_available);
  f.announce();
  f.live(500ms);
  CHECK(latest().error == kafka_error::none);
  CHECK(latest().found == offset{2});
}

TEST_CASE("with fewer than min.insync.replicas acks=all is refused, before the "
          "append and after (R4)",
  "[actors][replication]") {
  replica_fixture f{3, 2};
  f.crash(2);
  f.crash(3);
  f.produce(1, 1, "a");
  f.live(1100ms);
  CHECK(f.answers().empty());
  f.decide_proposal();
  CHECK(f.isr() == std::vector<int32_t>{1});
  CHECK(
    error_of(f.answers(), 1) == kafka_error::not_enough_replicas_after_append);
  f.produce(1, 2, "b");
  CHECK(error_of(f.answers(), 2) == kafka_error::not_enough_replicas);
  CHECK(f.values(1) == strings{"a"});
  f.produce(1, 3, "c", 1);
  f.live(200ms);
  CHECK(error_of(f.answers(), 3) == kafka_error::none);
  CHECK(f.look(1).high_watermark == offset{0});
  f.boot(2);
  f.live(100ms);
  f.decide_proposal();
  f.live(100ms);
  CHECK(f.look(1).high_watermark == offset{2});
  f.produce(1, 4, "d");
  f.settle();
  CHECK(error_of(f.answers(), 4) == kafka_error::none);
}

TEST_CASE(
  "a batch that was sent before an earlier one was refused is asked for "
  "again, and not called lost",
  "[actors][replication]") {
  replica_fixture f;
  f.produce(1, 1, "a", -1, 0);
  f.settle();
  CHECK(error_of(f.answers(), 1) == kafka_error::none);
  f.produce(2, 2, "b", -1, 1);
  CHECK(error_of(f.answers(), 2) == kafka_error::not_leader_or_follower);
  f.elect(2);
  f.set_isr({1, 2, 3});
  f.announce();
  f.live(100ms);
  // Sent behind "b", before its answer came.
  f.produce(2, 3, "c", -1, 2);
  CHECK(error_of(f.answers(), 3) == kafka_error::not_leader_or_follower);
  f.produce(2, 4, "b", -1, 1);
  f.produce(2, 5, "c", -1, 2);
  f.settle();
  const auto answers = f.answers();
  CHECK(error_of(answers, 4) == kafka_error::none);
  CHECK(error_of(answers, 5) == kafka_error::none);
  CHECK(f.values(2) == strings{"a", "b", "c"});
  // Within a leadership, without a refusal, a gap is one.
  f.produce(2, 6, "e", -1, 9);
  CHECK(error_of(f.answers(), 6) == kafka_error::out_of_order_sequence_number);
}

TEST_CASE("a producer whose earlier batch found too few replicas is not told "
          "that it is lost",
  "[actors][replication]") {
  replica_fixture f{3, 2};
  f.produce(1, 1, "a", -1, 0);
  f.settle();
  f.set_isr({1});
  f.announce();
  f.produce(1, 2, "b", -1, 1);
  f.set_isr({1, 2, 3});
  f.announce();
  f.live(100ms);
  f.produce(1, 3, "c", -1, 2);
  f.settle();
  const auto answers = f.answers();
  CHECK(error_of(answers, 2) == kafka_error::not_enough_replicas);
  CHECK(error_of(answers, 3) == kafka_error::not_leader_or_follower);
  f.live(31s); // whoever has not come again by then does not come
  f.produce(1, 4, "c", -1, 2);
  CHECK(error_of(f.answers(), 4) == kafka_error::out_of_order_sequence_number);
}

TEST_CASE("a new producer's second batch is not taken before its first, which "
          "was refused and comes again (R13)",
  "[actors][replication]") {
  replica_fixture f{3, 2};
  int32_t leader = 1;
  if (GENERATE(true, false)) {
    f.set_isr({1});
    f.announce();
    f.produce(1, 1, "a", -1, 0); // for want of replicas
    CHECK(error_of(f.answers(), 1) == kafka_error::not_enough_replicas);
    f.set_isr({1, 2, 3});
    f.announce();
  } else { // by an earlier leader, or nobody knows
    leader = 2;
    f.elect(2);
    f.set_isr({1, 2, 3});
    f.announce();
  }
  f.live(100ms);
  f.produce(leader, 2, "b", -1, 1);
  f.settle();
  CHECK(error_of(f.answers(), 2) == kafka_error::not_leader_or_follower);
  SECTION("the first one comes") {
    f.produce(leader, 3, "a", -1, 0);
    f.produce(leader, 4, "b", -1, 1);
    f.settle();
    const auto answers = f.answers();
    CHECK(error_of(answers, 3) == kafka_error::none);
    CHECK(error_of(answers, 4) == kafka_error::none);
    CHECK(f.values(leader) == strings{"a", "b"});
  }
  SECTION("it does not: then what this log knew may have been forgotten") {
    f.live(31s);
    f.produce(leader, 5, "b", -1, 1);
    f.settle();
    CHECK(error_of(f.answers(), 5) == kafka_error::none);
    // It is not here, and must not be taken for a duplicate.
    f.produce(leader, 6, "a", -1, 0);
    f.settle();
    CHECK(
      error_of(f.answers(), 6) == kafka_error::out_of_order_sequence_number);
    CHECK(f.values(leader) == strings{"b"});
  }
}

TEST_CASE(
  "whatever is lost on the way is said again", "[actors][replication]") {
  replica_fixture f;
  SECTION("a fetch that waits for data") {
    f.elect(1);
    f.announce({1, 2, 3});
    f.carry();
    f.live(50ms);
    // The leader forgets who waits: as if their fetches had not arrived.
    f.elect(1);
    f.announce({1});
    f.network.drop_all();
    f.announce({2, 3});
    f.network.drop_all();
  }
  SECTION("the data") {
    f.produce(1, 0, "before", 1);
    f.network.drop_all();
  }
  SECTION("what a follower tells of its disk") {
    f.produce(1, 0, "before", 1);
    f.carry();
    f.sync(2);
    f.sync(3);
    f.network.drop_all();
  }
  f.produce(1, 7, "a");
  f.network.drop_all();
  f.live(900ms);
  CHECK(error_of(f.answers(), 7) == kafka_error::none);
  CHECK(f.proposals.empty());
}

TEST_CASE("a follower asks at once when its leader can be reached again",
  "[actors][replication]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.network.drop_all();
  f.node(2).link->tell_state(node_id{1}, link_state::up);
  f.node(3).link->tell_state(node_id{1}, link_state::up);
  f.settle();
  CHECK(error_of(f.answers(), 7) == kafka_error::none);
}

TEST_CASE("a follower may hear of a leadership before the leader does",
  "[actors][replication]") {
  replica_fixture f;
  f.elect(2);
  f.announce({1, 3});
  f.carry();
  f.announce({2});
  f.carry();
  f.produce(2, 7, "a");
  f.settle();
  CHECK(error_of(f.answers(), 7) == kafka_error::none);
}

TEST_CASE("an empty replica begins where the leader's log does",
  "[actors][replication]") {
  replica_fixture f{3};
  f.crash(3);
  f.set_isr({1, 2});
  f.announce();
  for (uint64_t i = 0; i < 5; ++i)
    f.produce(1, i, "v" + std::to_string(i));
  f.settle();
  f.client->send(f.node(1).subject, log_ask{1, ask_delete_records{offset{3}}});
  f.settle();
  CHECK(f.look(1).log_start == offset{3});
  CHECK(f.look(2).log_start == offset{3}); // followers take the leader's (R18)
  f.boot(3);
  f.live(100ms);
  CHECK(f.look(3).log_start == offset{3});
  CHECK(f.look(3).log_end == offset{5});
  CHECK(f.values(3) == strings{"v3", "v4"});
  CHECK(f.node(3).log_start_hint == offset{3});
}

TEST_CASE("a proposal whose fate nobody knows is settled by another",
  "[actors][replication]") {
  replica_fixture f;
  f.crash(3);
  f.produce(1, 7, "a");
  f.live(1100ms);
  REQUIRE(f.proposals.size() == 1);
  f.proposals.clear(); // lost
  f.live(2900ms);
  CHECK(f.proposals.empty());
  f.live(200ms);
  REQUIRE(f.proposals.size() == 1);
  f.decide_proposal();
  CHECK(error_of(f.answers(), 7) == kafka_error::none);
}

TEST_CASE("a refused proposal is tried again, with more and more patience, and "
          "holds nothing up meanwhile",
  "[actors][replication]") {
  replica_fixture f;
  f.crash(3);
  f.set_isr({1, 2});
  f.announce();
  f.boot(3);
  f.live(100ms);
  int refused = 0;
  f.node(3).registered_epoch
    += 50; // the controller knows a newer self (KIP-903)
  for (int i = 0; i < 1000; ++i) {
    f.live(10ms);
    while (!f.proposals.empty())
      if (f.decide_proposal() == kafka_error::ineligible_replica)
        ++refused;
  }
  CHECK(refused >= 4);
  CHECK(refused <= 12);
  CHECK(f.isr() == std::vector<int32_t>{1, 2});
  f.produce(1, 7, "a");
  f.network.drop_to(node_id{3});
  f.live(200ms);
  while (!f.proposals.empty())
    f.decide_proposal();
  CHECK(error_of(f.answers(), 7) == kafka_error::none);
}

TEST_CASE("a replica that lost what it had leaves the ISR, and fetches it "
          "again (R10)",
  "[actors][replication]") {
  replica_fixture f;
  for (uint64_t i = 0; i < 3; ++i)
    f.produce(1, i, "v" + std::to_string(i));
  f.settle();
  f.live(100ms);
  f.crash(3);
  auto& files = f.node(3).disks.files;
  // The middle one goes bad, below what is known to have been durable.
  f.node(3).hint = offset{3};
  const auto path = "/data/t-0/00000000000000000000.log";
  auto opened = files.open(path, open_mode::read_write);
  REQUIRE(opened.ok());
  const auto size = (*opened)->size();
  REQUIRE(size.ok());
  const std::vector<std::byte> garbage(*size / 3, std::byte{0x5a});
  REQUIRE((*opened)->write_at(*size / 3, garbage).ok());
  REQUIRE((*opened)->sync().ok());
  f.boot(3);
  f.settle();
  REQUIRE(f.node(3).reported);
  CHECK(f.node(3).reported->lost_first == offset{1});
  // Nothing is cut while the controller may choose it.
  CHECK(f.look(3).log_end == offset{3});
  REQUIRE(f.proposals.size() == 1);
  CHECK(f.proposals.front().change().isr.size() == 2);
  f.decide_proposal();
  f.live(100ms);
  CHECK(f.values(3) == strings{"v0", "v1", "v2"});
  REQUIRE(f.proposals.size() == 1);
  CHECK(f.proposals.front().change().isr.size() == 3);
}

TEST_CASE("after a power loss of all nodes everything that was acknowledged is "
          "there, whoever leads (R1)",
  "[actors][replication]") {
  replica_fixture f;
  for (uint64_t i = 0; i < 5; ++i)
    f.produce(1, i, "v" + std::to_string(i));
  f.settle();
  REQUIRE(f.answers().size() == 5);
  f.produce(1, 9, "unacknowledged");
  for (const int32_t number : {1, 2, 3})
    f.crash(number);
  f.elect(3);
  for (const int32_t number : {3, 1, 2})
    f.boot(number);
  f.live(500ms);
  CHECK(f.proposals.empty()); // all stay in sync
  CHECK(f.look(3).high_watermark == offset{5});
  CHECK(f.values(1) == strings{"v0", "v1", "v2", "v3", "v4"});
  CHECK(f.values(2) == f.values(1));
  CHECK(f.values(3) == f.values(1));
}
