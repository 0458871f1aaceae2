#include "cluster/raft_core.hpp"
#include "tests/cluster/raft_group.hpp"

#include <catch2/catch.hpp>

// What a shell must know of the core, input by input; how members talk to one
// another is in the scenarios.

namespace millrace {

using test::member_of;
using test::members;
using test::raft_group;

namespace {

raft_restart first_start(std::initializer_list<int32_t> nodes) {
  return {.snapshot = {{}, {members(nodes), {}, {}}}};
}

raft_core fresh(std::initializer_list<int32_t> nodes,
  const raft_options& options = {}, uint64_t seed = 1) {
  return {options, member_of(1), first_start(nodes), seed};
}

std::vector<shared_bytes> payloads(
  std::initializer_list<std::string_view> all) {
  std::vector<shared_bytes> bytes;
  for (const auto text : all)
    bytes.push_back(shared_bytes::copy_of(text));
  return bytes;
}

/// Does what a disk does at once.
raft_actions persist(raft_core& core, raft_actions actions) {
  if (actions.vote)
    core.vote_persisted(*actions.vote);
  if (actions.write)
    core.persisted(actions.write->number);
  return core.take();
}

/// Makes core, one of three, a leader in term 1 with its entry written.
void lead(raft_core& core) {
  core.campaign();
  core.step({member_of(2), member_of(1),
    raft_vote_answer{.term = 1, .granted = true, .pre_vote = true}});
  (void)persist(core, core.take());
  core.step(
    {member_of(2), member_of(1), raft_vote_answer{.term = 1, .granted = true}});
  (void)persist(core, core.take());
  REQUIRE(core.role() == raft_role::leader);
}

raft_message appended(
  int32_t from, uint64_t term, uint64_t match, uint64_t round = 0) {
  return {member_of(from), member_of(1),
    raft_append_answer{
      .term = term, .success = true, .match = match, .round = round}};
}

template <class Body>
size_t count_of(const raft_actions& actions) {
  return static_cast<size_t>(std::count_if(actions.messages.begin(),
    actions.messages.end(), [](const raft_message& m) {
      return std::holds_alternative<Body>(m.body);
    }));
}

} // namespace

TEST_CASE("a group of one leads at its first tick and commits what is on disk",
  "[cluster][raft_core]") {
  auto core = fresh({1});
  core.tick(0);
  auto actions = core.take();
  REQUIRE(actions.vote);
  CHECK(actions.vote->term == 1);
  CHECK(core.role() == raft_role::candidate);
  core.vote_persisted(*actions.vote);
  actions = core.take();
  REQUIRE(actions.role);
  CHECK(actions.role->role == raft_role::leader);
  REQUIRE(actions.write);
  CHECK(actions.write->entries.at(0).kind == raft_entry_kind::leadership);
  CHECK_FALSE(actions.committed);
  const auto proposal = core.propose(payloads({"a", "b"}));
  CHECK(proposal.last == raft_position{1, 3});
  core.persisted(actions.write->number);
  actions = core.take();
  CHECK(actions.committed == raft_range{1, 1});
  core.persisted(actions.write->number);
  CHECK(core.take().committed == raft_range{2, 3});
  CHECK(core.read(7) == raft_refusal::none);
  CHECK(core.take().reads == std::vector<raft_read_ready>{{7, 3}});
}

TEST_CASE("no message leaves before term and vote are durable (R23)",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  core.step({member_of(2), member_of(1), raft_vote_request{.term = 4}});
  auto actions = core.take();
  REQUIRE(actions.vote);
  CHECK(actions.vote->voted_for == member_of(2));
  CHECK(actions.messages.empty());
  // A later term makes the answer void.
  core.step({member_of(3), member_of(1), raft_vote_request{.term = 6}});
  auto later = core.take();
  core.vote_persisted(*actions.vote);
  CHECK(core.take().messages.empty());
  core.vote_persisted(*later.vote);
  actions = core.take();
  REQUIRE(actions.messages.size() == 1);
  CHECK(actions.messages[0].to == member_of(3));
}

TEST_CASE("a member votes once in a term, also after a restart",
  "[cluster][raft_core]") {
  auto restart = first_start({1, 2, 3});
  restart.vote = {4, member_of(2)};
  raft_core core{{}, member_of(1), restart, 1};
  const auto ask = [&](int32_t from) {
    core.step({member_of(from), member_of(1), raft_vote_request{.term = 4}});
    const auto actions = core.take();
    return std::get<raft_vote_answer>(actions.messages.at(0).body).granted;
  };
  CHECK_FALSE(ask(3));
  CHECK(ask(2)); // its answer may have been lost
  CHECK_FALSE(ask(3));
}

TEST_CASE("what is meant for another directory changes nothing (R24)",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  core.step({member_of(2), member_of(1, 9), raft_vote_request{.term = 4}});
  const auto actions = core.take();
  CHECK(core.term() == 0);
  CHECK(actions.messages.empty());
}

TEST_CASE("election time-outs lie between one and two, and differ by seed",
  "[cluster][raft_core]") {
  std::set<int64_t> seen;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    auto core = fresh({1, 2, 3}, {}, seed);
    int64_t now = 0;
    while (core.role() == raft_role::follower)
      core.tick(now += 1);
    CHECK(now > 250);
    CHECK(now <= 501);
    seen.insert(now);
  }
  CHECK(seen.size() > 20);
}

TEST_CASE("a pause is no silence of the leader (R27)", "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  core.tick(0);
  core.tick(3'600'000);
  CHECK(core.role() == raft_role::follower);
  // But it does not stop the clock: a few ticks later there is none.
  for (int64_t ms = 0; ms <= 500; ms += 50)
    core.tick(3'600'000 + ms);
  CHECK(core.role() == raft_role::pre_candidate);
}

TEST_CASE("who does not lead refuses proposals, reads and changes",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  CHECK(core.propose(payloads({"x"})).refused == raft_refusal::not_leader);
  CHECK(core.read(1) == raft_refusal::not_leader);
  CHECK(core.transfer(member_of(2)) == raft_refusal::not_leader);
  CHECK(core.change_members(members({1}), {}) == raft_refusal::not_leader);
}

TEST_CASE(
  "too much that is not committed refuses proposals", "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3}, {.pending_bytes_max = 5});
  lead(core);
  CHECK(core.propose(payloads({"abcdef"})).refused == raft_refusal::none);
  CHECK(
    core.propose(payloads({"x"})).refused == raft_refusal::too_much_pending);
  core.step(appended(2, 1, 2));
  (void)persist(core, core.take());
  CHECK(core.propose(payloads({"x"})).refused == raft_refusal::none);
}

TEST_CASE("what is proposed between two takes travels together, in messages of "
          "bounded size",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3}, {.append_bytes_max = 4});
  lead(core);
  core.step(appended(2, 1, 1));
  (void)core.take();
  for (int i = 0; i < 5; ++i)
    REQUIRE(core.propose(payloads({"ab"})).refused == raft_refusal::none);
  const auto actions = core.take();
  REQUIRE(actions.write);
  CHECK(actions.write->entries.size() == 5);
  std::vector<size_t> sizes;
  for (const auto& m : actions.messages)
    if (m.to == member_of(2))
      sizes.push_back(std::get<raft_append_request>(m.body).entries.size());
  CHECK(sizes == std::vector<size_t>{2, 2, 1});
}

TEST_CASE("a leader sends before its own disk is done and tells only what is "
          "on it (R20)",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  lead(core);
  core.step(appended(2, 1, 1));
  (void)core.take();
  REQUIRE(core.propose(payloads({"x"})).refused == raft_refusal::none);
  auto actions = core.take();
  CHECK(count_of<raft_append_request>(actions) >= 1);
  core.step(appended(2, 1, 2));
  CHECK(core.committed() == 1); // one of three has it on disk
  core.step(appended(3, 1, 2));
  CHECK(core.committed() == 2);
  CHECK_FALSE(core.take().committed);
  core.persisted(actions.write->number);
  CHECK(core.take().committed == raft_range{2, 2});
}

TEST_CASE("what is told to be committed can be read from memory until the next "
          "take",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3}, {.memory_bytes_max = 0});
  lead(core);
  core.step(appended(2, 1, 1));
  (void)core.take();
  REQUIRE(
    core.propose(payloads({"first", "second"})).refused == raft_refusal::none);
  core.persisted(core.take().write->number);
  core.step(appended(2, 1, 3));
  const auto told = core.take().committed;
  REQUIRE(told == raft_range{2, 3});
  const auto entries = core.log().read(told->first, told->last, 1'000);
  REQUIRE(entries.size() == 2);
  CHECK(entries[1].payload.text() == "second");
  (void)core.take();
  CHECK(core.log().memory_first() == 4);
}

TEST_CASE("reads between two takes share a round of heartbeats",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  lead(core);
  core.step(appended(2, 1, 1));
  (void)core.take();
  CHECK(core.read(10) == raft_refusal::none);
  CHECK(core.read(11) == raft_refusal::none);
  auto actions = core.take();
  CHECK(count_of<raft_append_request>(actions) == 2); // one for each
  CHECK(actions.reads.empty());
  // A third one needs a round of its own.
  CHECK(core.read(12) == raft_refusal::none);
  (void)core.take();
  core.step(appended(3, 1, 1, 1));
  CHECK(core.take().reads == std::vector<raft_read_ready>{{10, 1}, {11, 1}});
  core.step(appended(2, 1, 1, 2));
  CHECK(core.take().reads == std::vector<raft_read_ready>{{12, 1}});
}

TEST_CASE("a leader that is deposed says which reads it cannot answer",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  lead(core);
  CHECK(core.read(10) == raft_refusal::none);
  core.step(appended(2, 9, 0));
  const auto actions = core.take();
  CHECK(actions.failed_reads == std::vector<uint64_t>{10});
  REQUIRE(actions.role);
  CHECK(
    *actions.role == raft_role_change{raft_role::follower, 9, std::nullopt});
}

TEST_CASE("entries that left the memory are asked from the shell, and a late "
          "answer is not used",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3}, {.memory_bytes_max = 0});
  lead(core);
  core.step(appended(2, 1, 1));
  (void)persist(core, core.take());
  for (int i = 0; i < 3; ++i) {
    REQUIRE(core.propose(payloads({"x"})).refused == raft_refusal::none);
    auto actions = core.take();
    core.step(appended(2, 1, core.log().last_index()));
    (void)persist(core, std::move(actions));
  }
  (void)core.take();
  REQUIRE(core.log().memory_first() == 5);
  core.step({member_of(3), member_of(1),
    raft_append_answer{.term = 1, .success = false, .previous = 0}});
  core.step(appended(3, 1, 1));
  const auto actions = core.take();
  REQUIRE(actions.entries_wanted.size() == 1);
  CHECK(actions.entries_wanted[0].peer == member_of(3));
  CHECK(actions.entries_wanted[0].range == raft_range{2, 4});
  CHECK(core.take().entries_wanted.empty()); // once
  const auto entry = [](uint64_t index) {
    return raft_entry{1, index, raft_entry_kind::command,
      shared_bytes::copy_of(std::string_view{"x"})};
  };
  core.entries_read(member_of(3), {entry(3)}); // not what was asked for
  CHECK(core.take().messages.empty());
  core.entries_read(member_of(3), {entry(2), entry(3)});
  const auto sent = core.take();
  REQUIRE(sent.messages.size() == 1);
  CHECK(
    std::get<raft_append_request>(sent.messages[0].body).entries.size() == 2);
  REQUIRE(sent.entries_wanted.size() == 1);
  CHECK(sent.entries_wanted[0].range == raft_range{4, 4});
}

TEST_CASE("a snapshot is due once after so many entries, and lets the log go "
          "but for what slow members may need",
  "[cluster][raft_core]") {
  auto core = fresh({1}, {.snapshot_entries = 10, .kept_entries = 3});
  core.tick(0);
  (void)persist(core, core.take());
  (void)persist(core, persist(core, core.take()));
  size_t due = 0;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(core.propose(payloads({"x"})).refused == raft_refusal::none);
    due += persist(core, core.take()).snapshot_due;
  }
  CHECK(due == 1);
  core.snapshot_taken(15);
  const auto actions = core.take();
  CHECK(actions.drop_through == raft_position{1, 12});
  CHECK(core.log().first_index() == 13);
}

TEST_CASE("a restart goes on where the disk ends", "[cluster][raft_core]") {
  raft_restart restart{.vote = {7, std::nullopt},
    .snapshot = {{3, 20}, {members({1, 2, 3}), {}, {}}},
    .applied = 22,
    .log_start = {3, 18}};
  for (uint64_t i = 19; i <= 25; ++i)
    REQUIRE(restart.add({i < 22 ? 3u : 5u, i}).ok());
  REQUIRE(restart
      .add({5, 26, raft_entry_kind::configuration,
        encode(raft_configuration{members({1, 2}), members({1, 2, 3}), {}})})
      .ok());
  raft_core core{{}, member_of(1), restart, 1};
  CHECK(core.term() == 7);
  CHECK(core.log().last() == raft_position{5, 26});
  CHECK(core.log().durable() == 26);
  CHECK(core.committed() == 22);
  CHECK(core.configuration().is_joint());
  CHECK(core.configuration_at(25).voters == members({1, 2, 3}));
  const auto actions = core.take();
  CHECK_FALSE(actions.write);
  CHECK_FALSE(actions.committed);
}

TEST_CASE("a log that does not hold its snapshot's last entry is void (§7)",
  "[cluster][raft_core]") {
  raft_restart restart{.vote = {7, std::nullopt},
    .snapshot = {{5, 20}, {members({1, 2, 3}), {}, {}}},
    .applied = 20,
    .log_start = {3, 18}};
  for (uint64_t i = 19; i <= 25; ++i)
    REQUIRE(restart.add({4, i}).ok());
  const raft_core core{{}, member_of(1), restart, 1};
  CHECK(core.log().last() == raft_position{5, 20});
}

TEST_CASE("a configuration that cannot be read is an error of the restart",
  "[cluster][raft_core]") {
  raft_restart restart;
  const auto added = restart.add({1, 1, raft_entry_kind::configuration,
    shared_bytes::copy_of(std::string_view{"x"})});
  REQUIRE_FALSE(added.ok());
  CHECK(added.error().code == errc::corrupt);
}

TEST_CASE("a leader with a disk that does not end takes no more than it can "
          "keep",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3}, {.pending_bytes_max = 5});
  lead(core);
  REQUIRE(core.propose(payloads({"abcdef"})).refused == raft_refusal::none);
  const auto actions = core.take();
  core.step(appended(2, 1, 2));
  core.step(appended(3, 1, 2));
  CHECK(core.committed() == 2); // but not on the own disk
  CHECK(
    core.propose(payloads({"x"})).refused == raft_refusal::too_much_pending);
  (void)persist(core, actions);
  CHECK(core.propose(payloads({"x"})).refused == raft_refusal::none);
}

TEST_CASE("a leader may begin a new term, which the others do not hold back "
          "(R26)",
  "[cluster][raft_core]") {
  raft_group group{3};
  group.start();
  group.elect(1);
  CHECK(group.core(1).leadership_index() == 1);
  group.propose(1, "x");
  group.settle();
  group.core(1).renew_term();
  group.collect(1);
  group.settle();
  CHECK(group.core(1).role() == raft_role::leader);
  CHECK(group.core(1).term() == 2);
  CHECK(group.core(1).leadership_index() == 3);
  group.core(2).renew_term(); // does not lead
  CHECK(group.core(2).term() == 2);
}

TEST_CASE("members without a vote hear of a leader with nothing to tell seldom",
  "[cluster][raft_core]") {
  raft_core core{{.heartbeat_ms = 50, .learner_heartbeat_ms = 500},
    member_of(1), first_start({1, 2, 3}), 1};
  lead(core);
  core.step(appended(2, 1, 1));
  REQUIRE(core.change_members(members({1, 2, 3}), members({4}))
          == raft_refusal::none);
  (void)persist(core, core.take());
  core.step(appended(2, 1, 2));
  core.step(appended(4, 1, 2));
  (void)core.take();
  std::map<int32_t, int> heard;
  for (int64_t now = 0; now <= 1'000; now += 10) {
    core.tick(now);
    for (const auto& m : core.take().messages)
      ++heard[m.to.node.value];
    core.step(appended(2, 1, 2, 0));
  }
  CHECK(heard[2] == 20);
  CHECK(heard[4] == 2);
}

namespace {

/// A leader in term 1 with entries 1 to 21 committed, of which it has told
/// all and member 3 has none.
raft_core leader_of_21(const raft_options& options) {
  auto core = fresh({1, 2, 3}, options);
  lead(core);
  core.step(appended(2, 1, 1));
  for (int i = 0; i < 20; ++i) {
    REQUIRE(core.propose(payloads({"x"})).refused == raft_refusal::none);
    auto actions = core.take();
    core.step(appended(2, 1, core.log().last_index()));
    (void)persist(core, std::move(actions));
  }
  REQUIRE(core.log().told() == 21);
  return core;
}

raft_message refused(int32_t from, uint64_t previous, raft_position hint) {
  return {member_of(from), member_of(1),
    raft_append_answer{
      .term = 1, .success = false, .previous = previous, .hint = hint}};
}

} // namespace

TEST_CASE("a member that is being probed when the log is cut gets a snapshot",
  "[cluster][raft_core]") {
  // The probe's place is gone, and heartbeats stand further up: their
  // refusals do not name it.
  auto core = leader_of_21({.snapshot_entries = 1'000, .kept_entries = 0});
  core.snapshot_taken(21);
  const auto actions = core.take();
  REQUIRE(actions.chunks_wanted.size() == 1);
  CHECK(actions.chunks_wanted[0].peer == member_of(3));
  CHECK_FALSE(actions.chunks_wanted[0].last);
}

TEST_CASE("the log is kept from where a member's snapshot ends",
  "[cluster][raft_core]") {
  auto core = leader_of_21({.snapshot_entries = 1'000, .kept_entries = 0});
  core.snapshot_taken(10);
  (void)core.take();
  core.snapshot_read(
    member_of(3), {.last = {1, 10},
                    .configuration = core.configuration(),
                    .bytes = shared_bytes::copy_of(std::string_view{"first"})});
  CHECK(count_of<raft_snapshot_chunk>(core.take()) == 1);
  core.snapshot_taken(20);
  CHECK(core.log().first_index() == 11);
  // It is silent: the log need not wait for it.
  for (int64_t now = 0; now <= 300; now += 50) {
    core.tick(now);
    core.step(appended(2, 1, 21, 99));
    (void)core.take();
  }
  core.snapshot_taken(21);
  CHECK(core.log().first_index() == 22);
  // What is left of the old snapshot leads nowhere now; another one does.
  core.snapshot_read(
    member_of(3), {.last = {1, 10},
                    .configuration = core.configuration(),
                    .position = 0,
                    .bytes = shared_bytes::copy_of(std::string_view{"first"})});
  CHECK(count_of<raft_snapshot_chunk>(core.take()) == 0);
  size_t asked = 0;
  for (int64_t now = 350; now <= 650; now += 50) {
    core.tick(now);
    core.step(appended(2, 1, 21, 99));
    for (const auto& wanted : core.take().chunks_wanted) {
      ++asked;
      CHECK_FALSE(wanted.last);
    }
  }
  CHECK(asked == 1);
}

TEST_CASE("entries that were read for an earlier leadership and cut since are "
          "not sent",
  "[cluster][raft_core]") {
  auto core = leader_of_21({.memory_bytes_max = 0});
  core.step(refused(3, 1, {0, 0}));
  core.step(appended(3, 1, 1));
  const auto actions = core.take();
  REQUIRE(actions.entries_wanted.size() == 1);
  const auto first = actions.entries_wanted[0].range.first;
  std::vector<raft_entry> entries{{9, first, raft_entry_kind::command, {}}};
  core.entries_read(member_of(3), entries);
  const auto after = core.take();
  CHECK(after.messages.empty());
  CHECK(after.entries_wanted.size() == 1); // asked anew
}

TEST_CASE(
  "a leader whose process is gone is succeeded without its silence, and "
  "one that lives after all goes on",
  "[cluster][raft_core]") {
  raft_group group{3};
  group.start();
  group.elect(1);
  for (const int i : {2, 3}) {
    group.tick(i, 50); // far from any time-out
    CHECK(group.core(i).role() == raft_role::follower);
    group.core(i).leader_gone();
    CHECK_FALSE(group.core(i).leader().has_value());
  }
  // Heard again before anybody stood: nothing has happened.
  group.tick(1, 60);
  group.settle();
  CHECK(group.core(2).leader() == member_of(1));
  CHECK(group.core(3).leader() == member_of(1));
  for (const int i : {2, 3})
    group.core(i).leader_gone();
  group.tick(2, 100); // nobody is held back for having heard the leader
  group.settle({1});
  CHECK(group.leaders(2) == 1);
  CHECK(group.core(2).role() == raft_role::leader);
}

TEST_CASE("groups that cannot be are refused", "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  lead(core);
  CHECK(core.change_members(members({1, 2}), {}) == raft_refusal::not_yet);
  core.step(appended(2, 1, 1));
  CHECK(core.change_members({}, members({1})) == raft_refusal::invalid);
  CHECK(core.change_members(members({1, 2, 2}), {}) == raft_refusal::invalid);
  CHECK(core.change_members(members({1, 2}), members({2}))
        == raft_refusal::invalid);
  CHECK(core.change_members({member_of(1), member_of(2), member_of(2, 9)}, {})
        == raft_refusal::invalid);
}

TEST_CASE("the best successor is the voter with the longest log",
  "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  CHECK_FALSE(core.best_successor());
  lead(core);
  core.step(appended(3, 1, 1));
  CHECK(core.best_successor() == member_of(3));
}

TEST_CASE(
  "a copy of the core goes on as the original does", "[cluster][raft_core]") {
  auto core = fresh({1, 2, 3});
  lead(core);
  auto copy = core;
  for (auto* c : {&core, &copy})
    REQUIRE(c->propose(payloads({"x"})).refused == raft_refusal::none);
  CHECK(core.take().messages == copy.take().messages);
}

TEST_CASE("a group of members with slow disks elects and commits as soon as "
          "they are done",
  "[cluster][raft_core]") {
  raft_group group{3};
  group.auto_write = false;
  group.start();
  group.elect(1);
  CHECK(group.core(1).role() == raft_role::candidate);
  for (int round = 0; round < 6; ++round) {
    for (int i = 1; i <= 3; ++i) {
      group.at(i).write_all();
      group.collect(i);
    }
    group.settle();
  }
  CHECK(group.core(1).role() == raft_role::leader);
  for (int i = 1; i <= 3; ++i)
    CHECK(group.at(i).machine.applied == 1);
}

} // namespace millrace
