// Disks that do not give back what was written, while the nodes run (R10).

#include "cluster/partition_settling.hpp"
#include "tests/actors/replica_fixture.hpp"

using namespace millrace;
using namespace std::chrono_literals;

using strings = std::vector<std::string>;

namespace {

const strings written{"v0", "v1", "v2"};
const std::string log_file = "/data/t-0/00000000000000000000.log";

void fill(replica_fixture& f) {
  for (uint64_t i = 0; i < written.size(); ++i)
    f.produce(1, i, written[i]);
  f.settle();
  f.live(100ms);
}

constexpr uint64_t in_length = 9;
constexpr uint64_t in_records = 65;

/// Of the batch at offset 1, `at` bytes behind its begin.
void flip(replica_fixture& f, int32_t number, uint64_t at) {
  auto& files = f.node(number).disks.files;
  const auto batch = files.content(log_file).size() / written.size();
  files.flip_bit(log_file, batch + at, 2);
}

/// Whatever leaders have asked for is decided, until none asks for more.
void decide_all(replica_fixture& f) {
  for (int i = 0; i < 20; ++i) {
    f.live(300ms);
    while (!f.proposals.empty())
      f.decide_proposal();
  }
}

void check_repaired(replica_fixture& f) {
  decide_all(f);
  CHECK(f.isr() == std::vector<int32_t>{1, 2, 3});
  for (const int32_t number : {1, 2, 3}) {
    INFO("node " << number);
    CHECK(f.values(number) == written);
  }
}

kafka_error fetch_error(replica_fixture& f, int32_t number, fetch_ask ask) {
  const auto answer = f.fetch(number, std::move(ask));
  REQUIRE(answer);
  return answer->error;
}

} // namespace

TEST_CASE("a leader that cannot give a replica what it has lets another one "
          "lead, and fetches it again (R10)",
  "[actors][replication]") {
  const auto where = GENERATE(in_length, in_records);
  CAPTURE(where);
  replica_fixture f;
  f.crash(3);
  f.set_isr({1, 2});
  f.announce();
  fill(f);
  flip(f, 1, where);
  f.boot(3); // lacks all of it
  f.live(1s);
  REQUIRE(f.proposals.size() == 1);
  CHECK(f.proposals.front().change().leader == node_id{1});
  REQUIRE(f.proposals.front().change().isr.size() == 1);
  CHECK(f.proposals.front().change().isr.front().id == node_id{2});
  f.decide_proposal();
  CHECK(f.registration.leader == node_id{2});
  check_repaired(f);
}

TEST_CASE("a consumer that meets damage is sent to the replica that leads next "
          "(R10)",
  "[actors][replication]") {
  replica_fixture f;
  fill(f);
  flip(f, 1, in_length);
  CHECK(fetch_error(f, 1, {.from = offset{1}})
        == kafka_error::not_leader_or_follower);
  REQUIRE(f.proposals.size() == 1);
  f.decide_proposal();
  f.live(100ms);
  REQUIRE(f.registration.leader == node_id{2});
  CHECK(fetch_error(f, 2, {.from = offset{1}}) == kafka_error::none);
  check_repaired(f);
}

TEST_CASE(
  "checksums that a start has not looked at are looked at when a consumer "
  "reads (R10)",
  "[actors][replication]") {
  replica_fixture f;
  f.settings.log.segment_bytes = 100; // each batch has its own
  f.announce();
  fill(f);
  f.crash(1);
  f.node(1).hint = offset{3};
  f.node(1).disks.files.flip_bit(
    segment_path("/data/t-0", offset{1}, ".log"), in_records, 2);
  f.boot(1);
  f.elect(1);
  f.announce();
  f.live(100ms);
  const auto before = f.fetch(1, offset{0});
  REQUIRE(before);
  CHECK(before->error == kafka_error::none);
  CHECK(fetch_error(f, 1, {.from = offset{1}})
        == kafka_error::not_leader_or_follower);
  check_repaired(f);
}

TEST_CASE("the last replica in sync goes on with what it can read",
  "[actors][replication]") {
  replica_fixture f;
  f.crash(2);
  f.crash(3);
  f.set_isr({1});
  f.announce();
  fill(f);
  flip(f, 1, in_length);
  CHECK(fetch_error(f, 1, {.from = offset{1}}) == kafka_error::corrupt_message);
  CHECK(f.proposals.empty());
  CHECK(fetch_error(f, 1, {.from = offset{0}}) == kafka_error::none);
  f.produce(1, 7, "more");
  f.settle();
  CHECK(f.look(1).log_end == offset{4});
}

TEST_CASE("a follower that meets damage leaves the ISR and fetches it again "
          "(R10)",
  "[actors][replication]") {
  replica_fixture f;
  fill(f);
  flip(f, 3, in_length);
  CHECK(fetch_error(f, 3, {.from = offset{1}, .any_replica = true})
        == kafka_error::not_leader_or_follower);
  f.settle();
  REQUIRE(f.proposals.size() == 1);
  CHECK(f.proposals.front().change().isr.size() == 2);
  check_repaired(f);
  CHECK(f.registration.leader == node_id{1});
}

TEST_CASE("what was damaged on its way only is sent again (R12)",
  "[actors][replication]") {
  replica_fixture f;
  f.crash(3);
  f.set_isr({1, 2});
  f.announce();
  fill(f);
  f.boot(3);
  int damaged = 0;
  for (int i = 0; i < 100 && damaged == 0; ++i) {
    f.pass(10ms);
    for (auto& packet : f.network.packets)
      if (packet.to == node_id{3} && !packet.message.runs.empty()) {
        std::string bytes{packet.message.runs.front().text()};
        bytes[in_records] = static_cast<char>(bytes[in_records] ^ 1);
        packet.message.runs.front() = shared_bytes::copy_of(bytes);
        ++damaged;
      }
    if (damaged == 0 && !f.network.packets.empty()) {
      f.network.carry();
      f.scheduler().run();
    }
  }
  REQUIRE(damaged == 1);
  check_repaired(f);
  CHECK(f.registration.leader == node_id{1});
}
