// Consumers at followers (KIP-392): what they are given there, and when their
// leader sends them to one.

#include "tests/actors/replica_fixture.hpp"

using namespace millrace;
using namespace std::chrono_literals;

namespace {

using strings = std::vector<std::string>;

/// A consumer's fetch that knows of replicas.
fetch_ask ask(int64_t from) {
  return {.from = offset{from}, .any_replica = true};
}

/// The same, which waits at a partition that has nothing more.
fetch_ask patient_ask(int64_t from) {
  auto a = ask(from);
  a.wait_until_ms = INT64_MAX;
  return a;
}

fetch_ask ask_under(int32_t epoch, int64_t from) {
  auto a = ask(from);
  a.current_epoch = leader_epoch{epoch};
  return a;
}

kafka_error error_at(replica_fixture& f, int32_t number, fetch_ask ask) {
  const auto answer = f.fetch(number, std::move(ask));
  REQUIRE(answer);
  if (answer->error != kafka_error::none)
    CHECK(answer->bytes == 0);
  return answer->error;
}

/// The values that it is given.
strings read(replica_fixture& f, int32_t number, fetch_ask ask) {
  const auto answer = f.fetch(number, std::move(ask));
  REQUIRE(answer);
  REQUIRE(answer->error == kafka_error::none);
  strings values;
  for (const auto& slice : answer->slices) {
    std::vector<std::byte> bytes(slice.size);
    REQUIRE(slice.source->read_at(slice.position, bytes).ok());
    for (std::span<const std::byte> rest{bytes}; !rest.empty();) {
      const batch_view view{rest};
      const auto size = static_cast<size_t>(view.size());
      const auto done = for_each_record(
        rest.first(size), view.base_offset(), [&](const record_view& record) {
          values.emplace_back(record.value.value_or(""));
        });
      REQUIRE(done.ok());
      rest = rest.subspan(size);
    }
  }
  return values;
}

/// Damages the middle one of its three records, which had been durable.
void damage(replica_node& n) {
  n.hint = offset{3};
  auto opened = n.disks.files.open(
    "/data/t-0/00000000000000000000.log", open_mode::read_write);
  REQUIRE(opened.ok());
  const auto size = (*opened)->size();
  REQUIRE(size.ok());
  const std::vector<std::byte> garbage(*size / 3, std::byte{0x5a});
  REQUIRE((*opened)->write_at(*size / 3, garbage).ok());
  REQUIRE((*opened)->sync().ok());
}

} // namespace

TEST_CASE("a follower serves consumers up to its high watermark (KIP-392)",
  "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  f.live(100ms);
  f.produce(1, 8, "b", 1);
  f.carry();
  REQUIRE(f.values(2) == strings{"a", "b"}); // but not committed yet (R8)
  CHECK(read(f, 2, ask(0)) == strings{"a"});
  const auto answer = f.fetch(2, ask(0));
  CHECK(answer->high_watermark == offset{1});
  CHECK(answer->by_follower);
  CHECK(read(f, 2, ask(1)).empty());
  CHECK(read(f, 2, ask(2)).empty());
  // The leader may have that.
  CHECK(error_at(f, 2, ask(3)) == kafka_error::offset_not_available);
  CHECK(error_at(f, 1, ask(3)) == kafka_error::offset_out_of_range);
  f.live(100ms);
  CHECK(read(f, 2, ask(0)) == strings{"a", "b"});
  CHECK_FALSE(f.fetch(1, ask(0))->by_follower);
}

TEST_CASE("who waits at a follower is told as soon as more is committed",
  "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  CHECK(read(f, 2, patient_ask(1)).empty());
  f.produce(1, 8, "b");
  f.carry();
  CHECK_FALSE(f.woken());
  f.settle(); // no timer has run
  CHECK(f.woken());
  CHECK(read(f, 2, ask(1)) == strings{"b"});
}

TEST_CASE("what a consumer waits for at a follower is made durable at once, as "
          "if it waited at the leader (R8)",
  "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  CHECK(read(f, 2, patient_ask(1)).empty());
  f.settle();
  for (uint64_t i = 0; i < 3; ++i) {
    f.produce(1, 10 + i, "more", 1);
    f.settle(); // no timer has run
    CHECK(f.woken());
    CHECK(read(f, 2, ask(1)).size() == i + 1);
    CHECK(read(f, 2, patient_ask(2 + static_cast<int64_t>(i))).empty());
    f.settle();
  }
  // It says so once, not over and over.
  const auto before = f.network.carried;
  CHECK(read(f, 2, patient_ask(4)).empty());
  f.settle();
  CHECK(f.network.carried == before);
}

TEST_CASE("a consumer at a follower names the leadership that it knows, as at "
          "a leader (KIP-320)",
  "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  CHECK(read(f, 2, ask_under(1, 0)) == strings{"a"});
  f.elect(1);
  f.announce();
  f.settle();
  CHECK(error_at(f, 2, ask_under(1, 0)) == kafka_error::fenced_leader_epoch);
  CHECK(read(f, 2, ask_under(2, 0)) == strings{"a"});
  CHECK(error_at(f, 2, ask_under(3, 0)) == kafka_error::unknown_leader_epoch);
  CHECK(f.fetch(2, ask_under(1, 0))->current_epoch == leader_epoch{2});
}

TEST_CASE("a follower serves nobody before its leader has said where their "
          "logs part",
  "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  CHECK(read(f, 3, patient_ask(1)).empty());
  f.elect(2);
  f.announce({3});
  CHECK(f.woken()); // for whoever waits has to know
  CHECK(error_at(f, 3, ask(0)) == kafka_error::not_leader_or_follower);
  f.announce();
  f.settle();
  CHECK(read(f, 3, ask(0)) == strings{"a"});
  // The one that was deposed, too.
  CHECK(read(f, 1, ask(0)) == strings{"a"});
  f.elect(-1);
  f.announce();
  f.settle();
  CHECK(error_at(f, 3, ask(0)) == kafka_error::not_leader_or_follower);
}

TEST_CASE("a follower that is about to cut its log serves nobody, and then "
          "nothing that was cut",
  "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 1, "a");
  f.settle();
  f.live(100ms);
  f.produce(1, 2, "lost", 1);
  f.network.drop_all();
  f.elect(2);
  f.announce({2, 3});
  f.settle();
  f.node(1).saves_hints = false;
  f.announce({1});
  f.settle();
  REQUIRE(f.values(1) == strings{"a", "lost"});
  CHECK(error_at(f, 1, ask(0)) == kafka_error::not_leader_or_follower);
  f.client->send(f.node(1).subject, hints_saved{offset{1}, true});
  f.settle();
  CHECK(read(f, 1, ask(0)) == strings{"a"});
  CHECK(error_at(f, 1, ask(2)) == kafka_error::offset_not_available);
  f.produce(2, 3, "b");
  f.settle();
  f.live(100ms);
  CHECK(read(f, 1, ask(0)) == strings{"a", "b"});
}

TEST_CASE("a consumer whose last record a follower does not know is sent to "
          "the leader, which tells where the logs part",
  "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  f.live(100ms);
  auto parted = ask(1);
  parted.last_fetched_epoch = leader_epoch{0};
  CHECK(error_at(f, 2, parted) == kafka_error::offset_not_available);
  CHECK(f.fetch(1, parted)->diverging);
  parted.last_fetched_epoch = leader_epoch{1};
  CHECK(read(f, 2, parted).empty());
}

TEST_CASE(
  "nobody waits at a follower that is not in sync", "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  f.live(100ms);
  CHECK(read(f, 3, patient_ask(1)).empty());
  f.set_isr({1, 2});
  f.announce();
  CHECK(f.woken());
  CHECK(error_at(f, 3, patient_ask(1)) == kafka_error::offset_not_available);
  // What it has is right all the same.
  CHECK(read(f, 3, ask(0)) == strings{"a"});
}

TEST_CASE("a replica that has lost records serves nobody until it has them "
          "again (R10)",
  "[actors][replica_reads]") {
  replica_fixture f;
  for (uint64_t i = 0; i < 3; ++i)
    f.produce(1, i, "v" + std::to_string(i));
  f.settle();
  f.live(100ms);
  f.crash(3);
  damage(f.node(3));
  f.node(3).reported->high_watermark = offset{3};
  f.boot(3);
  f.settle();
  CHECK(error_at(f, 3, ask(0)) == kafka_error::not_leader_or_follower);
  REQUIRE(f.proposals.size() == 1);
  f.decide_proposal();
  f.live(100ms);
  CHECK(read(f, 3, ask(0)) == strings{"v0", "v1", "v2"});
}

TEST_CASE(
  "below the start of a follower's log is nothing", "[actors][replica_reads]") {
  replica_fixture f;
  for (uint64_t i = 0; i < 3; ++i)
    f.produce(1, i, "v" + std::to_string(i));
  f.settle();
  f.client->send(f.node(1).subject, log_ask{1, ask_delete_records{offset{2}}});
  f.settle();
  REQUIRE(f.look(2).log_start == offset{2});
  CHECK(error_at(f, 2, ask(1)) == kafka_error::offset_out_of_range);
  CHECK(f.fetch(2, ask(2))->log_start == offset{2});
  CHECK(read(f, 2, ask(2)) == strings{"v2"});
}

TEST_CASE("a leader sends a consumer to a follower that is nearer, in sync, "
          "and has what is asked for",
  "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  auto near = ask(0);
  near.nearer = {node_id{2}};
  const auto sent = f.fetch(1, near);
  REQUIRE(sent);
  CHECK(sent->error == kafka_error::none);
  CHECK(sent->read_from == node_id{2});
  CHECK(sent->bytes == 0);
  CHECK(sent->high_watermark == offset{1});
  // Also one that would wait; and it waits there.
  near.from = offset{1};
  near.wait_until_ms = INT64_MAX;
  CHECK(f.fetch(1, near)->read_from == node_id{2});
  f.produce(1, 8, "b", 1);
  f.network.drop_all();
  near.from = offset{2};
  CHECK(f.fetch(1, near)->read_from == no_node);
  CHECK_FALSE(f.woken());
  // Followers send nobody anywhere.
  f.live(2s);
  near.from = offset{0};
  CHECK(f.fetch(3, near)->read_from == no_node);
  CHECK(read(f, 3, near) == strings{"a", "b"});
  near.nearer = {node_id{3}, node_id{2}};
  f.set_isr({1, 2});
  f.announce();
  CHECK(f.fetch(1, near)->read_from == node_id{2});
  f.set_isr({1});
  f.announce();
  CHECK(read(f, 1, near) == strings{"a", "b"});
}

TEST_CASE("a leader sends nobody to a follower that it has not heard of",
  "[actors][replica_reads]") {
  replica_fixture f;
  f.produce(1, 7, "a");
  f.settle();
  f.elect(2);
  f.announce({2});
  auto near = ask(0);
  near.nearer = {node_id{1}, node_id{3}};
  CHECK(f.fetch(2, near)->read_from == no_node);
  f.announce({3});
  f.settle();
  CHECK(f.fetch(2, near)->read_from == node_id{3});
}
