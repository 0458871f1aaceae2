// Scenarios of one transactional id, one for each rule.

#include "tests/cluster/transaction_host.hpp"

using namespace millrace;
using test::transaction_host;
using test::txn_producer;
using enum transaction_phase;

namespace {

constexpr auto none = kafka_error::none;
constexpr auto fenced = kafka_error::producer_fenced;
constexpr auto concurrent = kafka_error::concurrent_transactions;
constexpr auto unmapped = kafka_error::invalid_producer_id_mapping;

/// A host whose id `x` has an epoch near its end.
transaction_host host_at(int16_t epoch) {
  transaction_value value;
  value.id = {7};
  value.epoch = epoch;
  value.timeout_ms = 60'000;
  value.updated_ms = transaction_host::wall_start_ms;
  return transaction_host{{}, {encode_transaction_record({"x", value})}};
}

bool same(txn_producer a, txn_producer b) {
  return a.id == b.id && a.epoch == b.epoch;
}

} // namespace

TEST_CASE("a new transactional id gets a producer id in epoch 0",
  "[cluster][transaction_state]") {
  transaction_host host;
  CHECK(same(host.init("x"), {1'000, 0}));
  CHECK(host.phase("x") == empty);
}

TEST_CASE("a producer that comes anew fences the one before",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto old = host.init("x");
  const auto now = host.init("x");
  CHECK(same(now, {old.id, 1}));
  CHECK(host.ids_used == 1);
  CHECK(host.add("x", old) == fenced);
  CHECK(host.end("x", old, false) == fenced);
  CHECK(host.init_error(host.send_init("x", old)) == fenced);
  CHECK(host.add("x", now) == none);
}

TEST_CASE("a request without a known id or producer is told so",
  "[cluster][transaction_state]") {
  transaction_host host;
  CHECK(host.add("x", {5, 0}) == unmapped);
  CHECK(host.end("x", {5, 0}) == unmapped);
  CHECK(host.verify("x", {5, 0}, {"t", 0}) == unmapped);
  const auto p = host.init("x");
  CHECK(host.add("x", {p.id + 1, 0}) == unmapped);
  CHECK(host.end("x", {p.id + 1, 0}) == unmapped);
  CHECK(host.add("x", {p.id, 1}) == fenced); // an epoch nobody was given
}

TEST_CASE("a transaction goes from empty over ongoing to committed",
  "[cluster][transaction_state]") {
  for (const int16_t version : {int16_t{3}, int16_t{5}}) {
    transaction_host host;
    host.markers_at_once = false;
    const auto p = host.init("x");
    CHECK(host.add("x", p, {{"t", 0}, {"u", 3}}, version) == none);
    CHECK(host.phase("x") == ongoing);
    CHECK(host.end("x", p, true, version) == none);
    CHECK(host.phase("x") == prepare_commit);
    REQUIRE(host.markers.size() == 1);
    CHECK(host.markers[0].commit);
    CHECK(host.markers[0].id.value == p.id);
    CHECK(host.markers[0].partitions
          == std::set<topic_partition>{{"t", 0}, {"u", 3}});
    host.write_markers(0);
    CHECK(host.phase("x") == complete_commit);
    CHECK(host.value("x").partitions.empty());
  }
}

TEST_CASE("partitions that are there already cost no record",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  CHECK(host.add("x", p, {{"t", 0}, {"t", 1}}) == none);
  const auto records = host.log.size();
  CHECK(host.add("x", p, {{"t", 1}}) == none);
  CHECK(host.log.size() == records);
  CHECK(host.add("x", p, {{"t", 2}}) == none);
  CHECK(host.log.size() == records + 1);
  CHECK(host.value("x").partitions.size() == 3);
}

TEST_CASE("nothing is decided while a record is under way",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  host.appends_at_once = false;
  const auto adding = host.send_add("x", p);
  CHECK_FALSE(host.answered(adding));
  CHECK(host.add("x", p, {{"u", 0}}) == concurrent);
  CHECK(host.end("x", p) == concurrent);
  CHECK(host.verify("x", p, {"t", 0}) == concurrent);
  CHECK(host.init_error(host.send_init("x")) == concurrent);
  host.end_append(none);
  CHECK(host.add_error(adding) == none);
  CHECK(host.phase("x") == ongoing);
}

TEST_CASE("nobody comes in while markers are being written",
  "[cluster][transaction_state]") {
  for (const bool commit : {true, false}) {
    transaction_host host;
    host.markers_at_once = false;
    const auto p = host.init("x");
    CHECK(host.add("x", p) == none);
    const auto next = host.ended(host.send_end("x", p, commit));
    CHECK(host.init_error(host.send_init("x")) == concurrent);
    CHECK(host.add("x", next) == concurrent);
    CHECK(host.verify("x", next, {"t", 0}) == concurrent);
    host.write_markers(0);
    CHECK(host.add("x", next) == none);
  }
}

TEST_CASE("a producer that comes while a transaction is open aborts it first",
  "[cluster][transaction_state]") {
  transaction_host host;
  host.markers_at_once = false;
  const auto old = host.init("x");
  CHECK(host.add("x", old) == none);
  CHECK(host.init_error(host.send_init("x")) == concurrent);
  CHECK(host.phase("x") == prepare_abort);
  REQUIRE(host.markers.size() == 1);
  CHECK_FALSE(host.markers[0].commit);
  CHECK(host.markers[0].epoch == old.epoch + 1); // fences in the partitions
  CHECK(host.init_error(host.send_init("x")) == concurrent);
  host.write_markers(0);
  CHECK(host.phase("x") == complete_abort);
  // The fencing epoch is given to nobody.
  CHECK(same(host.init("x"), {old.id, 2}));
  CHECK(host.end("x", old) == fenced);
}

// KIP-360

TEST_CASE("a producer goes on after an error in the next epoch (KIP-360)",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  const auto next = host.init("x", p);
  CHECK(same(next, {p.id, 1}));
  CHECK(host.add("x", p) == fenced);
  CHECK(host.add("x", next) == none);
}

TEST_CASE("a repeated request to go on is answered like the first (KIP-360)",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  const auto next = host.init("x", p);
  const auto records = host.log.size();
  CHECK(same(host.init("x", p), next));
  CHECK(host.log.size() == records);
  host.restart(); // another coordinator knows as much
  CHECK(same(host.init("x", p), next));
}

TEST_CASE("going on is refused once somebody else has come (KIP-360)",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  const auto mine = host.init("x", p);
  const auto other = host.init("x");
  CHECK(other.epoch == 2);
  CHECK(host.init_error(host.send_init("x", p)) == fenced);
  CHECK(host.init_error(host.send_init("x", mine)) == fenced);
  CHECK(host.init_error(host.send_init("x", {p.id + 1, 0})) == fenced);
  CHECK(host.init_error(host.send_init("x", {-2, 0})) == fenced);
  CHECK(same(host.init("x", other), {p.id, 3}));
}

TEST_CASE("a request to go on is not repeated across a transaction (KIP-360)",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  const auto next = host.init("x", p);
  CHECK(host.add("x", next, {{"t", 0}}, 3) == none);
  CHECK(host.init_error(host.send_init("x", p)) == fenced);
  CHECK(host.end("x", next, true, 3) == none);
  CHECK(host.init_error(host.send_init("x", p)) == fenced);
}

TEST_CASE("a producer that goes on with a transaction open aborts it, comes "
          "again as it is told, and has its next epoch (KIP-360)",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  CHECK(host.init_error(host.send_init("x", p)) == concurrent);
  CHECK(same(host.init("x", p), {p.id, 1}));
  CHECK(host.phase("x") == empty);
  // Not when somebody else has come meanwhile.
  CHECK(host.add("x", {p.id, 1}) == none);
  CHECK(host.init_error(host.send_init("x")) == concurrent);
  CHECK(host.init("x").epoch == 3);
  CHECK(host.init_error(host.send_init("x", {p.id, 1})) == fenced);
}

TEST_CASE("going on cannot abort a successor's open transaction (KIP-360)",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto zombie = host.init("x");
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  CHECK(host.init_error(host.send_init("x", zombie)) == fenced);
  CHECK(host.phase("x") == ongoing);
  CHECK(host.end("x", p) == none);
}

TEST_CASE("a producer whose id was forgotten gets a new one (KIP-360)",
  "[cluster][transaction_state]") {
  transaction_host host;
  CHECK(same(host.init("x", {5, 3}), {1'000, 0}));
}

TEST_CASE("a producer id without an epoch is no valid request",
  "[cluster][transaction_state]") {
  transaction_host host;
  constexpr auto invalid = kafka_error::invalid_request;
  CHECK(host.init_error(host.send_init("x", {5, -1})) == invalid);
  CHECK(host.init_error(host.send_init("x", {-1, 5})) == invalid);
  CHECK(host.init_error(host.send_init("")) == invalid);
  CHECK(host.registry->entries().empty());
}

TEST_CASE("a time-out is positive and no longer than allowed",
  "[cluster][transaction_state]") {
  transaction_host host;
  constexpr auto invalid = kafka_error::invalid_transaction_timeout;
  CHECK(host.init_error(host.send_init("x", {}, 5, 0)) == invalid);
  CHECK(host.init_error(host.send_init("x", {}, 5, -1)) == invalid);
  CHECK(host.init_error(host.send_init("x", {}, 5, 900'001)) == invalid);
  CHECK(host.init_error(host.send_init("x", {}, 5, 900'000)) == none);
  CHECK(host.ids_used == 1);
}

// Epochs that run out

TEST_CASE("when epochs have run out the producer gets another id",
  "[cluster][transaction_state]") {
  auto host = host_at(32'766);
  CHECK(same(host.init("x"), {1'000, 0}));
  CHECK(host.value("x").previous_id.value == 7);
  // Nobody said that it had the old id: it cannot come back with it.
  CHECK(host.init_error(host.send_init("x", {7, 32'766})) == fenced);
}

TEST_CASE("a request that changed the id may be repeated (KIP-360)",
  "[cluster][transaction_state]") {
  auto host = host_at(32'766);
  const auto next = host.init("x", {7, 32'766});
  CHECK(same(next, {1'000, 0}));
  CHECK(same(host.init("x", {7, 32'766}), next));
  CHECK(host.ids_used == 1);
  // Until the new id is in use.
  CHECK(host.add("x", next) == none);
  CHECK(host.init_error(host.send_init("x", {7, 32'766})) == fenced);
}

TEST_CASE("without an id at hand the client is told to come again",
  "[cluster][transaction_state]") {
  auto host = host_at(32'766);
  kafka::init_producer_id_request request;
  request.transactional_id = "x";
  request.transaction_timeout_ms = 1'000;
  CHECK(host.registry->wants_new_id(request));
  const auto context = host.who(5);
  host.take(host.registry->handle(context, request, {}));
  CHECK(host.init_error(context.token) == concurrent);
  CHECK(host.log.size() == 1);
}

TEST_CASE("the last epoch only fences, and no client is let in with it",
  "[cluster][transaction_state]") {
  auto host = host_at(32'765);
  const auto p = host.init("x");
  CHECK(p.epoch == 32'766);
  CHECK(host.add("x", p) == none);
  host.advance(transaction_host::timeout_ms);
  CHECK(host.phase("x") == complete_abort);
  CHECK(host.value("x").epoch == 32'767);
  const txn_producer thief{7, 32'767};
  CHECK(host.add("x", thief) == fenced);
  CHECK(host.end("x", thief, false) == fenced);
  CHECK(host.end("x", p, false) == fenced);
  CHECK(same(host.init("x"), {1'000, 0}));
}

TEST_CASE("a transaction ends in the last epoch and goes on with another id "
          "(KIP-890)",
  "[cluster][transaction_state]") {
  auto host = host_at(32'765);
  host.markers_at_once = false;
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  const auto token = host.send_end("x", p);
  const auto next = host.ended(token);
  CHECK(same(next, {1'000, 0}));
  REQUIRE(host.markers.size() == 1);
  CHECK(host.markers[0].id.value == 7);
  CHECK(host.markers[0].epoch == 32'767);
  CHECK(
    host.end("x", p) == concurrent); // repeated before the markers are there
  // The client may be quicker than the markers.
  CHECK(host.add("x", next) == concurrent);
  CHECK(host.end("x", next, false) == concurrent);
  CHECK(host.init_error(host.send_init("x", next)) == concurrent);
  host.restart();
  host.write_markers(0);
  CHECK(host.phase("x") == complete_commit);
  CHECK(same(host.ended(host.send_end("x", p)), next)); // and after
  CHECK(host.end("x", p, false) == kafka_error::invalid_txn_state);
  CHECK(host.add("x", next) == none);
  CHECK(host.end("x", p) == unmapped); // not the end of the next one
}

// KIP-890, part 1

TEST_CASE("a batch of no open transaction is found out (KIP-890)",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  const topic_partition t{"t", 0}, u{"u", 0};
  CHECK(host.verify("x", p, t) == kafka_error::transaction_abortable);
  CHECK(host.add("x", p, {t}, 3) == none);
  CHECK(host.verify("x", p, t) == none);
  CHECK(host.verify("x", p, u) == kafka_error::transaction_abortable);
  CHECK(host.verify("x", p, u, 4) == kafka_error::transaction_abortable);
  CHECK(host.verify("x", {p.id, 7}, t) == fenced);
  CHECK(host.end("x", p, true, 4) == none);
  CHECK(host.verify("x", p, t) == kafka_error::transaction_abortable);
  CHECK(host.value("x").partitions.empty()); // asking added nothing
}

// KIP-890, part 2

TEST_CASE("each transaction has an epoch of its own (KIP-890)",
  "[cluster][transaction_state]") {
  transaction_host host;
  auto p = host.init("x");
  for (int16_t n = 0; n < 5; ++n) {
    CHECK(p.epoch == n);
    CHECK(host.add("x", p) == none);
    const auto next = host.ended(host.send_end("x", p, n % 2 == 0));
    CHECK(host.written.back().epoch == next.epoch);
    CHECK(host.add("x", p) == fenced); // a batch of the past
    p = next;
  }
}

TEST_CASE(
  "before that, epochs stay as they are", "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  for (int n = 0; n < 3; ++n) {
    CHECK(host.add("x", p, {{"t", 0}}, 4) == none);
    CHECK(host.end("x", p, true, 4) == none);
    CHECK(host.written.back().epoch == p.epoch);
    CHECK(host.end("x", p, true, 4) == none); // repeated
    CHECK(host.end("x", p, false, 4) == kafka_error::invalid_txn_state);
  }
}

TEST_CASE("a repeated EndTxn is answered like the first one (KIP-890)",
  "[cluster][transaction_state]") {
  for (const bool commit : {true, false}) {
    transaction_host host;
    host.markers_at_once = false;
    const auto p = host.init("x");
    CHECK(host.add("x", p) == none);
    const auto next = host.ended(host.send_end("x", p, commit));
    CHECK(host.end("x", p, commit) == concurrent);
    CHECK(host.end("x", p, !commit) == kafka_error::invalid_txn_state);
    host.write_markers(0);
    CHECK(same(host.ended(host.send_end("x", p, commit)), next));
    CHECK(host.end("x", p, !commit) == kafka_error::invalid_txn_state);
    CHECK(host.written.size() == 1);
  }
}

TEST_CASE(
  "a late EndTxn is not given the epoch of a client that has come since",
  "[cluster][transaction_state]") {
  for (const bool commit : {true, false}) {
    transaction_host host;
    const auto old = host.init("x");
    CHECK(host.add("x", old) == none);
    const auto before = host.ended(host.send_end("x", old));
    const auto now = host.init("x"); // of version 1: keeps this epoch
    CHECK(now.epoch == before.epoch + 1);
    CHECK(host.add("x", now, {{"t", 0}}, 4) == none);
    CHECK(host.end("x", now, commit, 4) == none);
    for (const bool asked : {true, false})
      CHECK(host.end("x", before, asked) == fenced);
  }
}

TEST_CASE("a late EndTxn is not applied to the next transaction (KIP-890)",
  "[cluster][transaction_state]") {
  for (const bool commit : {true, false}) {
    transaction_host host;
    const auto p = host.init("x");
    CHECK(host.add("x", p) == none);
    const auto next = host.ended(host.send_end("x", p));
    CHECK(host.add("x", next) == none);
    CHECK(host.end("x", p, commit) == fenced);
    CHECK(host.phase("x") == ongoing);
    CHECK(host.written.size() == 1);
  }
}

TEST_CASE("an abort of nothing still raises the epoch (KIP-890)",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  const auto next = host.ended(host.send_end("x", p, false));
  CHECK(same(next, {p.id, 1}));
  CHECK(host.phase("x") == complete_abort);
  CHECK(host.written.empty());
  CHECK(same(host.ended(host.send_end("x", p, false)), next)); // repeated
  CHECK(same(host.ended(host.send_end("x", next, false)), {p.id, 2}));
}

TEST_CASE("there is nothing to commit where nothing was begun",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  constexpr auto invalid = kafka_error::invalid_txn_state;
  CHECK(host.end("x", p) == invalid);
  CHECK(host.end("x", p, true, 4) == invalid);
  CHECK(host.end("x", p, false, 4) == invalid);
  CHECK(host.add("x", p) == none);
  const auto next = host.ended(host.send_end("x", p));
  CHECK(host.end("x", next) == invalid);
}

TEST_CASE("an EndTxn whose answer was lost lets the producer go on (KIP-890)",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  const auto next = host.ended(host.send_end("x", p));
  CHECK(same(host.init("x", p), next));
}

TEST_CASE("a client may change to transaction version 2 in a transaction",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  CHECK(host.add("x", p, {{"t", 0}}, 3) == none);
  const auto next = host.ended(host.send_end("x", p));
  CHECK(next.epoch == p.epoch + 1);
  CHECK(host.written.back().client_version == 2);
  CHECK(host.add("x", next, {{"t", 0}}, 3) == none);
  CHECK(host.end("x", next, true, 3) == none);
  CHECK(host.written.back().epoch == next.epoch);
  CHECK(host.written.back().client_version == 0);
}

// KIP-588

TEST_CASE("a client is told that it is fenced in the words that it knows",
  "[cluster][transaction_state]") {
  transaction_host host;
  const auto old = host.init("x");
  host.init("x");
  constexpr auto epoch = kafka_error::invalid_producer_epoch;
  CHECK(host.init_error(host.send_init("x", old, 3)) == epoch);
  CHECK(host.init_error(host.send_init("x", old, 4)) == fenced);
  CHECK(host.add("x", old, {{"t", 0}}, 1) == epoch);
  CHECK(host.add("x", old, {{"t", 0}}, 2) == fenced);
  CHECK(host.end("x", old, true, 1) == epoch);
  CHECK(host.end("x", old, true, 2) == fenced);
  const auto offsets = [&](int16_t version) {
    return host.error<kafka::add_offsets_to_txn_response>(
      host.send_add_offsets("x", old, "g", version));
  };
  CHECK(offsets(1) == epoch);
  CHECK(offsets(2) == fenced);
}

// Time-outs

TEST_CASE("a transaction whose time is up is aborted in a higher epoch",
  "[cluster][transaction_state]") {
  for (const int16_t version : {int16_t{4}, int16_t{5}}) {
    transaction_host host;
    const auto p = host.init("x");
    CHECK(host.add("x", p, {{"t", 0}}, version) == none);
    host.advance(transaction_host::timeout_ms - 1);
    CHECK(host.phase("x") == ongoing);
    host.advance(1);
    CHECK(host.phase("x") == complete_abort);
    REQUIRE(host.written.size() == 1);
    CHECK_FALSE(host.written[0].commit);
    CHECK(host.written[0].epoch == p.epoch + 1);
    CHECK(host.add("x", p, {{"t", 0}}, version) == fenced);
    CHECK(host.end("x", p, true, 4) == fenced);
    if (version == 4) {
      CHECK(host.end("x", p, false, 5) == fenced);
      continue;
    }
    CHECK(host.end("x", p, true, 5) == kafka_error::invalid_txn_state);
    // A producer that meant to abort is told that it is done (KIP-890).
    CHECK(same(host.ended(host.send_end("x", p, false)), {p.id, 1}));
  }
}

TEST_CASE(
  "the time of each transaction runs anew", "[cluster][transaction_state]") {
  transaction_host host;
  auto p = host.init("x");
  for (int n = 0; n < 3; ++n) {
    CHECK(host.add("x", p) == none);
    host.advance(transaction_host::timeout_ms - 1);
    CHECK(host.add("x", p, {{"u", 0}}) == none); // does not prolong it
    p = host.ended(host.send_end("x", p));
    host.advance(transaction_host::timeout_ms); // between two, none runs
  }
  CHECK(host.add("x", p) == none);
  host.advance(transaction_host::timeout_ms - 1);
  CHECK(host.add("x", p, {{"u", 0}}) == none);
  host.advance(1);
  CHECK(host.phase("x") == complete_abort);
}

TEST_CASE(
  "clocks that jump abort nothing (R19)", "[cluster][transaction_state]") {
  transaction_host host;
  const auto p = host.init("x");
  CHECK(host.add("x", p) == none);
  host.wall_gain_ms = 3'600'000;
  host.advance(transaction_host::timeout_ms - 1);
  CHECK(host.phase("x") == ongoing);
  host.advance(1);
  CHECK(host.phase("x") == complete_abort);
}

// Names

TEST_CASE(
  "phases are called as Kafka calls them", "[cluster][transaction_state]") {
  CHECK(to_string(prepare_epoch_fence) == std::string{"PrepareEpochFence"});
  for (int8_t i = 0; i < 8; ++i) {
    const auto phase = static_cast<transaction_phase>(i);
    CHECK(parse_transaction_phase(to_string(phase)) == phase);
  }
  CHECK_FALSE(parse_transaction_phase("ongoing"));
}

TEST_CASE(
  "phases follow one another in their order", "[cluster][transaction_state]") {
  // Rows: before; columns: empty, ongoing, the two prepares, the two ends.
  const bool table[6][6] = {
    {true, true, false, true, false, false},
    {false, true, true, true, false, false},
    {false, false, false, false, true, false},
    {false, false, false, false, false, true},
    {true, true, false, true, false, false},
    {true, true, false, true, false, false},
  };
  for (int8_t before = 0; before < 6; ++before)
    for (int8_t next = 0; next < 6; ++next)
      CHECK(may_follow(static_cast<transaction_phase>(before),
              static_cast<transaction_phase>(next))
            == table[before][next]);
}
