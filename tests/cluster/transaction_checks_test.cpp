#include "cluster/transaction_checks.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr auto fine = kafka_error::none;
constexpr auto busy = kafka_error::concurrent_transactions;
using answers = transaction_checks::answers;

transaction_check about(int32_t partition, bool adds = true) {
  return {"x", {500}, 1, adds, {{"t", partition}}};
}

answers answer(transaction_checks& checks, uint64_t id,
  const std::vector<kafka_error>& errors, int64_t now_ms) {
  return checks.on_answer(id, errors, now_ms);
}

} // namespace

TEST_CASE("questions about one transaction are asked together",
  "[cluster][transaction_checks]") {
  transaction_checks checks;
  checks.add(1, about(0), 0);
  checks.add(2, about(1), 0);
  const auto sent = checks.take_due(0);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].check
        == transaction_check{"x", {500}, 1, true, {{"t", 0}, {"t", 1}}});
  // One at a time: the coordinator would be busy with the first.
  checks.add(3, about(2), 1);
  CHECK(checks.take_due(1).empty());
  CHECK(answer(checks, sent[0].id,
          {fine, kafka_error::unknown_topic_or_partition}, 2)
        == answers{{1, fine}, {2, kafka_error::unknown_topic_or_partition}});
  const auto next = checks.take_due(2);
  REQUIRE(next.size() == 1);
  CHECK(next[0].check.partitions == std::vector<topic_partition>{{"t", 2}});
  CHECK(answer(checks, next[0].id, {fine}, 3) == answers{{3, fine}});
  CHECK_FALSE(checks.next_deadline());
}

TEST_CASE("questions of different kinds are asked apart",
  "[cluster][transaction_checks]") {
  transaction_checks checks;
  checks.add(1, about(0, true), 0);
  checks.add(2, about(0, false), 0);
  auto other_epoch = about(0);
  other_epoch.epoch = 2;
  checks.add(3, other_epoch, 0);
  CHECK(checks.take_due(0).size() == 3);
}

TEST_CASE("a coordinator that is busy is asked again for a while",
  "[cluster][transaction_checks]") {
  transaction_checks checks;
  checks.add(1, about(0), 0);
  int64_t now = 0;
  int asked = 0;
  answers got;
  while (got.empty()) {
    const auto sent = checks.take_due(now);
    REQUIRE(sent.size() == 1);
    ++asked;
    got = answer(checks, sent[0].id, {busy}, now);
    CHECK(checks.take_due(now + 19).empty());
    now += 20;
  }
  CHECK(got == answers{{1, busy}});
  CHECK(asked == 6);
}

TEST_CASE("who only asks is not answered later than the coordinator does",
  "[cluster][transaction_checks]") {
  transaction_checks checks;
  checks.add(1, about(0, false), 0);
  const auto sent = checks.take_due(0);
  CHECK(answer(checks, sent[0].id, {busy}, 0) == answers{{1, busy}});
}

TEST_CASE("a question that nobody answers ends all the same",
  "[cluster][transaction_checks]") {
  transaction_checks checks;
  checks.add(1, about(0), 0);
  const auto sent = checks.take_due(0);
  CHECK(checks.next_deadline() == 2'000);
  CHECK(checks.take_late(1'999).empty());
  CHECK(
    checks.take_late(2'000) == answers{{1, kafka_error::network_exception}});
  CHECK(answer(checks, sent[0].id, {fine}, 2'001).empty());
  checks.add(2, about(0), 6'000);
  const auto again = checks.take_due(6'000);
  REQUIRE(again.size() == 1);
  CHECK(checks.fail(again[0].id, kafka_error::coordinator_not_available)
        == answers{{2, kafka_error::coordinator_not_available}});
}

TEST_CASE("an answer that is too short is no answer to the rest",
  "[cluster][transaction_checks]") {
  transaction_checks checks;
  checks.add(1, about(0), 0);
  checks.add(2, about(1), 0);
  const auto sent = checks.take_due(0);
  CHECK(answer(checks, sent[0].id, {fine}, 1)
        == answers{{1, fine}, {2, kafka_error::unknown_server_error}});
}
