// Many transactional ids: appends, take-overs, time, and what tools see.

#include "cluster/group_partition.hpp"
#include "tests/cluster/transaction_host.hpp"

using namespace millrace;
using test::transaction_host;
using test::txn_producer;
using enum transaction_phase;

namespace {

constexpr auto none = kafka_error::none;
constexpr auto fenced = kafka_error::producer_fenced;
constexpr auto concurrent = kafka_error::concurrent_transactions;
constexpr auto failed = kafka_error::not_enough_replicas;
constexpr auto unavailable = kafka_error::coordinator_not_available;
constexpr int64_t day_ms = 24LL * 3'600'000;

} // namespace

TEST_CASE("no answer comes before its record is durable (R20)",
  "[cluster][transaction_registry]") {
  transaction_host host;
  host.appends_at_once = false;
  const auto token = host.send_init("x");
  CHECK_FALSE(host.answered(token));
  host.end_append(none);
  const auto p = host.producer_of(token);
  const auto adding = host.send_add("x", p);
  CHECK_FALSE(host.answered(adding));
  host.end_append(none);
  const auto ending = host.send_end("x", p);
  CHECK_FALSE(host.answered(ending));
  CHECK(host.markers.empty()); // nor are markers sent
  CHECK(host.written.empty());
  host.end_append(none);
  CHECK(host.answered(ending));
  CHECK(host.written.size() == 1);
}

TEST_CASE("who would be told to come again can wait for the step that is under "
          "way",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  const auto waits = [&](uint64_t token) {
    return host.better_later.contains(token);
  };
  host.appends_at_once = host.markers_at_once = false;
  // A record of the transaction is on its way into the log.
  CHECK_FALSE(waits(host.send_add("x", p, {{"t", 0}})));
  CHECK(waits(host.send_add("x", p, {{"t", 1}})));
  CHECK(waits(host.send_add("x", p, {{"t", 1}}, 3)));
  CHECK(waits(host.send_add_offsets("x", p, "g")));
  CHECK(waits(host.send_end("x", p)));
  host.moved.clear();
  host.end_append(none);
  CHECK(host.moved == std::vector<std::string>{"x"});
  CHECK_FALSE(waits(host.send_add("x", p, {{"t", 0}})));
  // Its markers are.
  const auto next = [&] {
    const auto token = host.send_end("x", p);
    host.end_append(none);
    return host.ended(token);
  }();
  CHECK(waits(host.send_add("x", next)));
  CHECK(waits(host.send_end("x", next)));
  CHECK(waits(host.send_init("x")));
  CHECK_FALSE(waits(host.send_add("x", p))); // fenced, now and later
  CHECK_FALSE(waits(host.send_init("x", {}, 5, -1)));
  host.moved.clear();
  host.write_markers(0);
  CHECK(host.moved.empty()); // they are to be written down first
  CHECK(waits(host.send_add("x", next)));
  host.end_append(none);
  CHECK(host.moved == std::vector<std::string>{"x"});
  CHECK_FALSE(waits(host.send_add("x", next)));
  host.end_append(failed);
  CHECK(host.moved == std::vector<std::string>{"x", "x"});
  CHECK_FALSE(waits(host.send_add("x", next)));
}

TEST_CASE("what the log refuses does not wait for what it has taken",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  host.appends_at_once = false;
  const auto taken = host.send_add("x", p);
  const auto refused = host.send_init("y");
  REQUIRE(host.appends.size() == 2);
  std::swap(host.appends.front(), host.appends.back());
  host.end_append(failed);
  CHECK(host.init_error(refused) == unavailable);
  CHECK_FALSE(host.registry->entries().contains("y"));
  CHECK(host.phase("x") == empty);
  host.end_append(none);
  CHECK(host.add_error(taken) == none);
  CHECK(host.phase("x") == ongoing);
}

TEST_CASE("what could not be written has not happened",
  "[cluster][transaction_registry]") {
  transaction_host host;
  host.appends_at_once = false;
  auto token = host.send_init("x");
  host.end_append(failed);
  CHECK(host.init_error(token) == unavailable);
  CHECK(host.registry->entries().empty());
  token = host.send_init("x");
  host.end_append(none);
  const auto p = host.producer_of(token);
  token = host.send_add("x", p);
  host.end_append(failed);
  CHECK(host.add_error(token) == unavailable);
  CHECK(host.phase("x") == empty);
  host.take(host.registry->on_appended(99, none, host.now_ms, 0)); // unknown
  host.send_add("x", p);
  host.end_append(none);
  token = host.send_end("x", p);
  host.end_append(failed);
  CHECK(host.end_error(token) == unavailable);
  CHECK(host.phase("x") == ongoing);
  CHECK(host.written.empty());
  token = host.send_end("x", p);
  host.end_append(none);
  CHECK(host.end_error(token) == none);
}

TEST_CASE(
  "the coordinator's own records are written again until they are there",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  host.appends_at_once = false;
  host.advance(transaction_host::timeout_ms);
  host.end_append(failed); // the abort
  CHECK(host.appends.empty());
  host.advance(host.config.retry_ms - 1);
  CHECK(host.appends.empty());
  host.advance(1);
  host.end_append(none);
  CHECK(host.phase("x") == prepare_abort);
  CHECK(host.value("x").epoch == p.epoch + 1);
  host.end_append(failed); // its completion
  CHECK(host.appends.empty());
  host.advance(host.config.retry_ms);
  host.end_append(none);
  CHECK(host.phase("x") == complete_abort);
  CHECK(host.written.size() == 1);
}

TEST_CASE("a coordinator that takes over sends the markers again",
  "[cluster][transaction_registry]") {
  transaction_host host;
  host.markers_at_once = false;
  const auto p = host.init("x");
  CHECK(host.add("x", p, {{"t", 0}, {"t", 1}}) == none);
  CHECK(host.end("x", p) == none);
  const auto sent = host.markers;
  REQUIRE(sent.size() == 1);
  host.restart();
  CHECK(host.markers == sent);
  CHECK(host.registry->coordinator_epoch() == 2);
  host.write_markers(0);
  CHECK(host.phase("x") == complete_commit);
}

TEST_CASE("a coordinator that takes over completes what had no partition",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  host.appends_at_once = false;
  host.send_end("x", p, false);
  host.end_append(none);
  CHECK(host.phase("x") == prepare_abort);
  host.restart();
  host.end_append(none);
  CHECK(host.phase("x") == complete_abort);
}

TEST_CASE("a transaction is complete when its last marker is written",
  "[cluster][transaction_registry]") {
  transaction_host host;
  host.markers_at_once = false;
  const auto p = host.init("x");
  CHECK(host.add("x", p, {{"t", 0}, {"t", 1}}) == none);
  CHECK(host.end("x", p) == none);
  const auto epoch = host.value("x").epoch;
  const auto tell = [&](const topic_partition& at, int16_t in_epoch) {
    host.take(host.registry->on_markers_written(
      "x", {p.id}, in_epoch, {&at, 1}, host.now_ms, host.wall_ms()));
  };
  tell({"t", 0}, epoch);
  tell({"t", 0}, epoch);
  tell({"t", 1}, p.epoch); // of an earlier transaction
  CHECK(host.phase("x") == prepare_commit);
  tell({"t", 1}, epoch);
  CHECK(host.phase("x") == complete_commit);
  const auto records = host.log.size();
  tell({"t", 1}, epoch);
  CHECK(host.log.size() == records);
}

TEST_CASE("markers of an earlier transaction complete nothing",
  "[cluster][transaction_registry]") {
  transaction_host host;
  auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  p = host.ended(host.send_end("x", p));
  host.markers_at_once = false;
  CHECK(host.add("x", p) == none);
  p = host.ended(host.send_end("x", p));
  host.tell_written(host.written.at(0));
  CHECK(host.phase("x") == prepare_commit);
  host.write_markers(0);
  CHECK(host.phase("x") == complete_commit);
}

TEST_CASE("an open transaction gets the rest of its time after a take-over",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  host.advance(20'000);
  host.restart();
  host.advance(transaction_host::timeout_ms - 20'001);
  CHECK(host.phase("x") == ongoing);
  host.advance(1);
  CHECK(host.phase("x") == complete_abort);
}

TEST_CASE("no wall clock prolongs a transaction beyond one time-out (R19)",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  host.wall_gain_ms = -day_ms;
  host.restart();
  host.advance(transaction_host::timeout_ms);
  CHECK(host.phase("x") == complete_abort);
  CHECK(host.end("x", p, true, 4) == fenced);
}

TEST_CASE("a batch of requests is answered one by one",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto x = host.init("x");
  const auto y = host.init("y");
  kafka::add_partitions_to_txn_request request;
  const auto ask = [&](const std::string& name, txn_producer p, bool verify) {
    request.transactions.push_back(
      {name, p.id, p.epoch, verify, {{"t", {0, 1}}, {"u", {5}}}});
  };
  ask("x", x, false);
  ask("y", {y.id, 9}, false);
  ask("y", y, true);
  ask("z", y, false);
  ask("x", x, true);
  ask("", x, false);
  host.appends_at_once = false;
  const auto context = host.who(5);
  host.take(host.registry->handle(context, request));
  const auto records = host.appends.at(0).records.size();
  CHECK(records == 1);
  SECTION("durable") {
    host.end_append(none);
  }
  SECTION("not durable") {
    host.end_append(failed);
  }
  const auto& told
    = host.answer<kafka::add_partitions_to_txn_response>(context.token);
  CHECK(told.error_code == 0);
  const std::vector<kafka_error> expected{
    host.state("x")->in_phase(ongoing) ? none : unavailable, fenced,
    kafka_error::transaction_abortable,
    kafka_error::invalid_producer_id_mapping, concurrent,
    kafka_error::invalid_request};
  REQUIRE(told.results_by_transaction.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto& result = told.results_by_transaction[i];
    CHECK(result.transactional_id == request.transactions[i].transactional_id);
    REQUIRE(result.topic_results.size() == 2);
    CHECK(result.topic_results[0].name == "t");
    CHECK(result.topic_results[0].results_by_partition.size() == 2);
    for (const auto& topic : result.topic_results)
      for (const auto& partition : topic.results_by_partition)
        CHECK(
          partition.partition_error_code == static_cast<int16_t>(expected[i]));
  }
}

TEST_CASE("a group's offsets take part as the partition that owns it",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  const auto token = host.send_add_offsets("x", p, "group");
  CHECK(host.error<kafka::add_offsets_to_txn_response>(token) == none);
  CHECK(host.value("x").partitions
        == std::set<topic_partition>{
          {"__consumer_offsets", group_partition("group", 50)}});
  host.appends_at_once = false;
  const auto other = host.send_add_offsets("x", p, "another");
  host.end_append(failed);
  CHECK(host.error<kafka::add_offsets_to_txn_response>(other) == unavailable);
}

TEST_CASE("an EndTxn whose append failed is told so, and may come again",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  host.appends_at_once = false;
  const auto token = host.send_end("x", p);
  host.end_append(kafka_error::not_leader_or_follower);
  CHECK(host.end_error(token) == kafka_error::not_coordinator);
  const auto& told = host.answer<kafka::end_txn_response>(token);
  CHECK(told.producer_id == -1);
  CHECK(told.producer_epoch == -1);
}

TEST_CASE("a coordinator that goes answers what waits",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  host.appends_at_once = false;
  const auto adding = host.send_add("x", p);
  const auto coming = host.send_init("y");
  host.take(host.registry->abandon());
  CHECK(host.add_error(adding) == kafka_error::not_coordinator);
  CHECK(host.init_error(coming) == kafka_error::not_coordinator);
  CHECK(host.registry->entries().empty());
  CHECK_FALSE(host.registry->next_deadline());
  // Its appends end all the same, and are of no concern.
  host.end_append(none);
  CHECK(host.registry->entries().empty());
}

// Expiry

TEST_CASE(
  "an id that nobody uses is forgotten", "[cluster][transaction_registry]") {
  transaction_host host;
  const auto idle = host.init("idle");
  auto p = host.init("used");
  host.init("open");
  host.advance(6 * day_ms);
  CHECK(host.add("used", p) == none);
  p = host.ended(host.send_end("used", p));
  host.advance(day_ms + 3'600'000);
  CHECK(host.state("idle") == nullptr);
  CHECK(host.state("open") == nullptr);
  CHECK(host.phase("used") == complete_commit);
  CHECK(host.add("idle", idle) == kafka_error::invalid_producer_id_mapping);
  const auto records = host.log.size();
  host.restart();
  CHECK(host.registry->entries().size() == 1);
  CHECK(host.log.size() == records);
}

TEST_CASE("an id whose transaction is not over is not forgotten",
  "[cluster][transaction_registry]") {
  transaction_host host;
  host.markers_at_once = false; // a partition that cannot be reached
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  CHECK(host.end("x", p) == none);
  host.advance(30 * day_ms);
  CHECK(host.phase("x") == prepare_commit);
}

TEST_CASE("a wall clock that jumps forgets nobody (R19)",
  "[cluster][transaction_registry]") {
  transaction_host host;
  host.init("x");
  host.wall_gain_ms = 100 * day_ms;
  host.advance(day_ms);
  CHECK(host.state("x"));
  host.advance(7 * day_ms);
  CHECK_FALSE(host.state("x"));
}

TEST_CASE("thousands of ids are forgotten in turns",
  "[cluster][transaction_registry]") {
  transaction_host host;
  for (int i = 0; i < 2'500; ++i)
    host.init("id-" + std::to_string(i));
  host.appends_at_once = false;
  host.advance(8 * day_ms);
  size_t most = 0, all = 0;
  for (const auto& append : host.appends) {
    most = std::max(most, append.records.size());
    all += append.records.size();
  }
  CHECK(most == 1'000);
  CHECK(all == 2'500);
  while (!host.appends.empty())
    host.end_append(none);
  CHECK(host.registry->entries().empty());
}

TEST_CASE("an id that is being forgotten lets nobody in before it is gone",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  host.appends_at_once = false;
  host.advance(8 * day_ms);
  REQUIRE(host.appends.size() == 1);
  CHECK(host.add("x", p) == concurrent);
  CHECK(host.init_error(host.send_init("x")) == concurrent);
  host.end_append(none);
  const auto token = host.send_init("x");
  host.end_append(none);
  CHECK(host.producer_of(token).id != p.id);
}

// KIP-664

TEST_CASE("a transactional id is described (KIP-664)",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto p = host.init("x");
  host.advance(500);
  CHECK(host.add("x", p, {{"t", 1}, {"t", 0}, {"s", 2}}) == none);
  const auto told = host.registry->describe({{"x", "none", ""}});
  REQUIRE(told.transaction_states.size() == 3);
  const auto& x = told.transaction_states[0];
  CHECK(x.error_code == 0);
  CHECK(x.transaction_state == "Ongoing");
  CHECK(x.transaction_timeout_ms == transaction_host::timeout_ms);
  CHECK(x.transaction_start_time_ms == transaction_host::wall_start_ms + 500);
  CHECK(x.producer_id == p.id);
  CHECK(x.producer_epoch == p.epoch);
  REQUIRE(x.topics.size() == 2);
  CHECK(x.topics[0].topic == "s");
  CHECK(x.topics[1].partitions == std::vector<int32_t>{0, 1});
  CHECK(told.transaction_states[1].error_code
        == static_cast<int16_t>(kafka_error::transactional_id_not_found));
  CHECK(told.transaction_states[2].error_code
        == static_cast<int16_t>(kafka_error::invalid_request));
}

TEST_CASE("transactional ids are listed by what they are (KIP-664)",
  "[cluster][transaction_registry]") {
  transaction_host host;
  const auto a = host.init("a");
  const auto b = host.init("b");
  host.init("c");
  CHECK(host.add("a", a) == none);
  host.advance(10'000);
  CHECK(host.add("b", b) == none);
  host.advance(5'000);
  const auto names = [&](const kafka::list_transactions_request& request,
                       std::function<bool(std::string_view)> matches = {}) {
    std::string out;
    const auto told = host.registry->list(request, host.wall_ms(), matches);
    for (const auto& one : told.transaction_states)
      out += one.transactional_id;
    return out;
  };
  CHECK(names({}) == "abc");
  CHECK(names({.state_filters = {"Ongoing"}}) == "ab");
  CHECK(names({.state_filters = {"Empty", "Nonsense"}}) == "c");
  CHECK(names({.state_filters = {"Nonsense"}}).empty());
  CHECK(names({.producer_id_filters = {b.id}}) == "b");
  CHECK(names({.state_filters = {"Ongoing"}, .duration_filter = 5'000}) == "a");
  CHECK(
    names({.state_filters = {"Ongoing"}, .duration_filter = 4'999}) == "ab");
  CHECK(names({}, [](std::string_view id) {
    return id != "b";
  }) == "ac");
  const auto told
    = host.registry->list({.state_filters = {"Nonsense"}}, host.wall_ms());
  CHECK(told.unknown_state_filters == std::vector<std::string>{"Nonsense"});
}

TEST_CASE("a log with a record that makes no sense does not load",
  "[cluster][transaction_registry]") {
  transaction_registry registry;
  CHECK(registry.replay(std::string_view{"\0\7kind", 6}, "?").ok());
  CHECK_FALSE(registry.replay(std::string_view{"\0\0\0\1x", 5}, "?").ok());
}
