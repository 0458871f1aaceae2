#include "tests/cluster/consumer_group_host.hpp"

#include <random>

namespace millrace {

using namespace test;

namespace {

/// The log, read again, has what is committed.
void check_log(const consumer_group_host& host) {
  consumer_groups again{host.config, [] {
                          return uuid{};
                        }};
  for (const auto& record : host.log)
    again.replay(consumer_group_host::decode(record));
  again.finish_load(0);
  const auto* ours = host.groups.find_committed("g");
  const auto* read = again.find_committed("g");
  REQUIRE((ours != nullptr) == (read != nullptr));
  if (ours)
    REQUIRE(*ours == *read);
}

} // namespace

TEST_CASE("records of every kind are read as they were written",
  "[cluster][consumer_group_records]") {
  consumer_group_host host;
  host.set_topic("t", 3);
  consumer_client a{host, "a"};
  a.regex = "u.*";
  a.instance_id = "one";
  a.assignor = "range";
  a.beat();
  std::set<int> kinds;
  for (const auto& record : host.log) {
    kinds.insert(record.key.at(1));
    CHECK(encode_consumer_group_record(consumer_group_host::decode(record))
          == record);
  }
  CHECK(kinds == std::set<int>{3, 5, 6, 7, 8, 16});
  check_log(host);
}

TEST_CASE("the records are byte for byte Kafka's",
  "[cluster][consumer_group_records]") {
  using record_of = consumer_group_record;
  using current = kafka::consumer_group_current_member_assignment_value;
  const auto bytes = [](std::initializer_list<int> list) {
    std::string text;
    for (const auto b : list)
      text.push_back(static_cast<char>(b));
    return text;
  };
  const auto epoch = encode_consumer_group_record(
    {"g", record_of::of_group{kafka::consumer_group_metadata_value{10, 3}}});
  CHECK(epoch.key == bytes({0, 3, 0, 1, 'g'}));
  // Version, epoch, one tagged field: 0, 8 bytes.
  CHECK(
    epoch.value == bytes({0, 0, 0, 0, 0, 10, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 3}));
  current value;
  value.member_epoch = 2;
  value.previous_member_epoch = 1;
  value.assigned_partitions.push_back({{0, 7}, {5}, std::vector{2}});
  const auto assigned
    = encode_consumer_group_record({"g", record_of::of_current{"m", value}});
  CHECK(assigned.key == bytes({0, 8, 0, 1, 'g', 0, 1, 'm'}));
  CHECK(assigned.value
        == bytes({0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0,           //
          2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, // topic
          2, 0, 0, 0, 5,                                     // partitions
          1, 0, 5, 2, 0, 0, 0, 2, // tag 0 with 5 bytes: epochs
          1, 0}));
  CHECK_FALSE(
    encode_consumer_group_record({"g", record_of::of_current{"m", {}}}).value);
}

TEST_CASE("a record of a kind or version that is not ours is refused",
  "[cluster][consumer_group_records]") {
  CHECK_FALSE(decode_consumer_group_record({"\0\x09\0\1g", 5}, {}).ok());
  CHECK_FALSE(decode_consumer_group_record(
    {"\0\x03\0\1g", 5}, std::string_view{"\0\7\0\0\0\1\0", 7})
      .ok());
  CHECK_FALSE(decode_consumer_group_record({"\0\x03\0\7g", 5}, {}).ok());
  CHECK(is_consumer_group_kind(16));
  CHECK_FALSE(is_consumer_group_kind(2));
  CHECK_FALSE(is_consumer_group_kind(9));
}

TEST_CASE("a restart finds the group, and its members have a session",
  "[cluster][consumer_groups]") {
  pair_of_members g;
  consumer_group_host again{g.host.config, g.host.log};
  again.set_topic("t", 4);
  g.a.host_ = &again;
  const auto epoch = g.a.epoch;
  g.a.beat();
  CHECK(g.a.error == kafka_error::none);
  CHECK(g.a.epoch == epoch);
  CHECK(again.log.size() == g.host.log.size());
  again.advance(again.config.session_timeout_ms);
  CHECK_FALSE(again.group().find("b"));
}

TEST_CASE("what could not be appended was never decided (R20)",
  "[cluster][consumer_groups]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  a.beat();
  host.appends_at_once = false;
  consumer_client b{host, "b"};
  host.send(b.request());
  CHECK(host.group().find("b"));
  CHECK_FALSE(host.groups.find_committed("g")->find("b"));
  host.end_append(false);
  CHECK_FALSE(host.group().find("b"));
  check_log(host);
  host.appends_at_once = true;
  b.beat();
  CHECK(b.error == kafka_error::none);
  check_log(host);
}

TEST_CASE("a later append counts although an earlier one has failed",
  "[cluster][consumer_groups]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  consumer_client b{host, "b"};
  consumer_client c{host, "c"};
  a.beat();
  host.appends_at_once = false;
  host.send(b.request());
  host.send(c.request());
  host.end_append(false);
  CHECK_FALSE(host.group().find("b"));
  CHECK(host.group().find("c"));
  host.end_append(true);
  check_log(host);
}

TEST_CASE(
  "an answer waits for what it is built on", "[cluster][consumer_groups]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  consumer_client a{host, "a"};
  host.appends_at_once = false;
  auto turn = host.begin_turn();
  const group_request_context who{1, 1, "c", "h", 0, 0};
  auto first = host.groups.heartbeat(turn, 1, who, a.request());
  CHECK(first.after == 1);
  host.end_turn(turn);
  a.take(first.response);
  auto second = host.groups.heartbeat(turn, 2, who, a.request());
  CHECK(second.after == 1); // writes nothing itself
  host.end_append(true);
  CHECK(host.groups.heartbeat(turn, 2, who, a.request()).after == 0);
}

TEST_CASE("a group that is deleted leaves nothing behind",
  "[cluster][consumer_groups]") {
  consumer_group_host host;
  host.set_topic("t", 4);
  host.set_topic("u1", 4);
  consumer_client a{host, "a"};
  a.regex = "u.*";
  a.beat();
  a.leave();
  auto turn = host.begin_turn();
  host.groups.erase(turn, host.next_append, "g");
  host.end_turn(turn);
  CHECK_FALSE(host.groups.find("g"));
  CHECK(host.groups.groups().empty());
  check_log(host);
  std::map<std::string, bool> left;
  for (const auto& record : host.log)
    left[record.key] = record.value.has_value();
  for (const auto& [key, there] : left)
    CHECK_FALSE(there);
  host.advance(100'000);
  a.beat();
  CHECK(a.epoch == 2);
}

TEST_CASE(
  "a group is described as it is committed", "[cluster][consumer_groups]") {
  consumer_group_host host;
  host.set_topic("t", 2);
  consumer_client a{host, "a"};
  a.instance_id = "one";
  a.beat();
  consumer_client b{host, "b"};
  b.beat();
  kafka::consumer_group_describe_response::described_group g;
  host.groups.describe("g", g);
  CHECK(g.group_state == "Reconciling");
  CHECK(g.group_epoch == 3);
  CHECK(g.assignment_epoch == 3);
  CHECK(g.assignor_name == "uniform");
  REQUIRE(g.members.size() == 2);
  CHECK(g.members[0].instance_id == "one");
  CHECK(g.members[0].member_epoch == 2);
  CHECK(g.members[0].member_type == 1);
  CHECK(g.members[0].subscribed_topic_names == std::vector<std::string>{"t"});
  REQUIRE(g.members[0].assignment.topic_partitions.size() == 1);
  CHECK(g.members[0].assignment.topic_partitions[0].topic_name == "t");
  CHECK(g.members[0].assignment.topic_partitions[0].partitions.size() == 2);
  CHECK(
    g.members[0].target_assignment.topic_partitions[0].partitions.size() == 1);
  CHECK(g.members[1].assignment.topic_partitions.empty());
}

// Many clients that come, go, hang and change their minds, topics that come,
// go and grow, appends that are late or fail.
TEST_CASE("no two members ever own one partition, and every group settles",
  "[cluster][consumer_groups]") {
  for (uint64_t seed = 0; seed < 150; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random{seed};
    const auto below = [&](size_t bound) {
      return std::uniform_int_distribution<size_t>{0, bound - 1}(random);
    };
    const bool appends_fail = seed % 3 == 0;
    consumer_group_host host{{.assignment_interval_ms = seed % 2 ? 0 : 1'000}};
    host.set_topic("t0", 6);
    std::deque<consumer_client> clients;
    uint64_t names = 0;
    const auto new_id = [&] {
      return "m" + std::to_string(names++);
    };
    for (int i = 0; i < 5; ++i) {
      auto& c = clients.emplace_back(host, new_id());
      c.topics = {"t0", "t1"};
      if (i == 1)
        c.instance_id = "one";
      if (i == 2)
        c.regex = "t[0-9]";
    }
    const auto drain = [&](bool durable) {
      while (!host.appends.empty())
        host.end_append(durable);
    };
    const auto check = [&] {
      // What a member was told may only count once it is durable: an answer
      // that waits is given or refused here by the drain before it.
      partition_set owned;
      for (const auto& c : clients) {
        REQUIRE(common_to(owned, c.owned).empty());
        for (const auto& [topic, list] : c.owned)
          for (const auto p : list)
            insert(owned, topic, p);
      }
    };
    const auto beat = [&](consumer_client& c) {
      const auto answer = host.send(c.request());
      if (appends_fail && below(10) == 0) {
        drain(false); // the client hears an error, and tries again later
        return;
      }
      drain(true);
      c.take(answer);
    };
    host.appends_at_once = false;
    for (int step = 0; step < 400; ++step) {
      auto& c = clients[below(clients.size())];
      const auto dice = below(100);
      if (dice < 80) {
        beat(c);
      } else if (dice < 84) {
        c.leave();
        drain(true);
        c.id = new_id();
      } else if (dice < 86 && c.instance_id && c.epoch > 0) {
        c.leave(epoch_going_away);
        drain(true);
        c.id = new_id();
      } else if (dice < 90) {
        host.set_topic(
          "t" + std::to_string(below(3)), static_cast<int32_t>(below(9)));
      } else if (dice < 93) {
        if (c.epoch > 0) {
          c.topics = {"t" + std::to_string(below(3))};
          auto r = c.request();
          c.subscribe(r);
          const auto answer = host.send(r);
          drain(true);
          c.take(answer);
        }
      } else if (dice < 97) {
        host.advance(static_cast<int64_t>(below(3'000)));
      } else if (dice < 98 && !c.instance_id) {
        // It hangs for long: the others lose nothing by it, and it must not
        // go on as if nothing had been. A real one fences itself as well.
        c.owned.clear();
        c.epoch = 0;
        c.id = new_id();
      }
      drain(true);
      check();
      if (step % 50 == 0)
        check_log(host);
    }
    // Those that hang are out; then all settles.
    for (int round = 0; round < 200; ++round) {
      host.advance(1'000);
      drain(true);
      for (auto& c : clients)
        beat(c);
      check();
    }
    for (auto& c : clients) {
      drain(true);
      CHECK(c.error == kafka_error::none);
    }
    CHECK(host.group().phase() == consumer_group_phase::stable);
    CHECK(host.group().members().size() == clients.size());
    size_t owned = 0;
    for (const auto& c : clients)
      owned += count_of(c.owned);
    size_t subscribed = 0;
    for (const auto& name : host.group().subscribed_topics())
      for (const auto& topic : host.topics)
        if (topic.name == name)
          subscribed += static_cast<size_t>(topic.partitions);
    CHECK(owned == subscribed);
    check_log(host);
  }
}

} // namespace millrace
