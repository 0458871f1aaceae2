#include "simulation/transaction_book.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// Two clients with one id; the first one's values are a, b (partition 0) and
/// c (partition 1), each acknowledged at the offset that it has in views().
struct two_clients {
  transaction_book book;
  transaction_book::instance first = book.next_instance();
  transaction_book::instance second = book.next_instance();
  size_t transaction = 0;

  two_clients() {
    book.granted("id", first, 7, 0, true, 10);
    transaction = book.begin("id", first, 0);
    book.sent(transaction, 0, "a");
    book.sent(transaction, 0, "b");
    book.sent(transaction, 1, "c");
    book.acknowledged("a", 0);
    book.acknowledged("b", 1);
    book.acknowledged("c", 0);
  }

  [[nodiscard]] static std::vector<committed_view> views() {
    return {{.partition = 0, .end = 3, .values = {{0, "a"}, {1, "b"}}},
      {.partition = 1, .end = 2, .values = {{0, "c"}}}};
  }
  [[nodiscard]] static std::vector<committed_view> nothing() {
    return {{.partition = 0, .end = 3}, {.partition = 1, .end = 2}};
  }
  void commit(int64_t now = 20) {
    book.asks_to_commit(transaction, now);
    book.committed(transaction);
  }
};

bool starts_with(const std::string& text, const std::string& with) {
  return text.rfind(with, 0) == 0;
}

} // namespace

TEST_CASE("a committed transaction is there as a whole", "[simulation][book]") {
  two_clients c;
  c.commit();
  CHECK(c.book.judge(c.views(), {}) == "");
  CHECK(c.book.committed_count() == 1);
  CHECK(
    starts_with(c.book.judge(c.nothing(), {}), "what is committed is there"));
  auto part = c.views();
  part[1].values.clear();
  CHECK(starts_with(c.book.judge(part, {}), "what is committed is there"));
}

TEST_CASE("an offset is shown when its transaction may be committed (R28)",
  "[simulation][book]") {
  two_clients c;
  const auto number = static_cast<int64_t>(c.transaction);
  CHECK(c.book.check_offset("id", -1) == "");
  CHECK(starts_with(c.book.check_offset("id", number + 1),
    "a group shows an offset that was committed to it"));
  CHECK(starts_with(c.book.check_offset("other", number),
    "a group shows an offset that was committed to it"));
  c.book.offset_taken(c.transaction);
  CHECK(starts_with(c.book.check_offset("id", number),
    "an offset is shown when its transaction is committed"));
  c.book.asks_to_commit(c.transaction, 20);
  CHECK(c.book.check_offset("id", number) == "");
  const auto later = c.book.begin("id", c.first, 0);
  c.book.asks_to_commit(later, 30);
  CHECK(starts_with(c.book.check_offset("id", static_cast<int64_t>(later)),
    "an offset that was not taken is not committed"));
  CHECK_FALSE(c.book.is_at_least(-1, c.transaction));
  CHECK(c.book.is_at_least(number, c.transaction));
  CHECK(c.book.is_at_least(static_cast<int64_t>(later), c.transaction));
  CHECK_FALSE(c.book.is_at_least(number, later));
  c.book.not_committed(c.transaction);
  CHECK(starts_with(c.book.check_offset("id", number),
    "an offset is shown when its transaction is committed"));
}

TEST_CASE("who was fenced commits no offset (R28)", "[simulation][book]") {
  two_clients c;
  c.book.offset_taken(c.transaction);
  c.book.granted("id", c.second, 7, 1, true, 15);
  c.book.asks_to_commit(c.transaction, 20);
  CHECK(
    starts_with(c.book.check_offset("id", static_cast<int64_t>(c.transaction)),
      "who is fenced commits no offset"));
}

TEST_CASE("nothing is read of what was never asked to be committed",
  "[simulation][book]") {
  two_clients c;
  CHECK(c.book.judge(c.nothing(), {}) == "");
  CHECK(starts_with(
    c.book.judge(c.views(), {}), "nothing of what was aborted is read"));
  c.book.asks_to_commit(c.transaction, 20);
  c.book.not_committed(c.transaction);
  CHECK(starts_with(
    c.book.judge(c.views(), {}), "nothing of what was aborted is read"));
}

TEST_CASE("what nobody has answered is there as one, or not at all",
  "[simulation][book]") {
  two_clients c;
  c.book.asks_to_commit(c.transaction, 20);
  CHECK(c.book.judge(c.nothing(), {}) == "");
  CHECK(c.book.judge(c.views(), {}) == "");
  auto part = c.views();
  part[0].values.erase(0);
  CHECK(starts_with(c.book.judge(part, {}), "a transaction is there as one"));
}

TEST_CASE("what is committed is there once, in its place, and nothing besides",
  "[simulation][book]") {
  two_clients c;
  c.commit();
  auto twice = c.views();
  twice[0].values[2] = "a";
  CHECK(
    starts_with(c.book.judge(twice, {}), "what is committed is there once"));
  auto moved = c.views();
  moved[1].values = {{1, "c"}};
  CHECK(starts_with(
    c.book.judge(moved, {}), "what is acknowledged stays in its place"));
  auto strange = c.views();
  strange[1].values[1] = "d";
  CHECK(
    starts_with(c.book.judge(strange, {}), "only what was sent there is read"));
  CHECK(c.book.acknowledged_end(0) == 2);
  CHECK(c.book.acknowledged_end(2) == 0);
}

TEST_CASE("a producer's values are as they were sent", "[simulation][book]") {
  two_clients c;
  c.commit();
  const auto next = c.book.begin("id", c.first, 1);
  c.book.sent(next, 1, "d");
  c.book.asks_to_commit(next, 30);
  auto right = c.views();
  right[1].values[1] = "d";
  CHECK(c.book.judge(right, {}) == "");
  // The same, had the other one of its values come later.
  const auto last = c.book.begin("id", c.first, 2);
  c.book.sent(last, 0, "e");
  c.book.sent(last, 0, "f");
  c.book.asks_to_commit(last, 40);
  right[0].values[2] = "f";
  right[0].values[3] = "e";
  CHECK(starts_with(
    c.book.judge(right, {}), "a producer's values are as they were sent"));
}

TEST_CASE("who is fenced commits nothing that it has not asked for before",
  "[simulation][book]") {
  two_clients c;
  const auto fence_at = GENERATE(15, 25);
  c.book.granted("id", c.second, 7, 1, true, fence_at);
  c.book.asks_to_commit(c.transaction, 20);
  CHECK(c.book.judge(c.nothing(), {}) == "");
  CHECK((c.book.judge(c.views(), {}) == "") == (fence_at == 25));
}

TEST_CASE("an epoch belongs to one client, and a transactional id to one "
          "producer",
  "[simulation][book]") {
  two_clients c;
  SECTION("epoch") {
    c.book.granted("id", c.second, 7, 0, true, 15);
    CHECK(starts_with(
      c.book.judge(c.nothing(), {}), "an epoch is given to one client"));
  }
  SECTION("producer") {
    c.book.granted("id", c.second, 8, 0, true, 15);
    CHECK(
      starts_with(c.book.judge(c.nothing(), {}), "a transactional id keeps"));
  }
  SECTION("the same client may be told twice") {
    c.book.granted("id", c.first, 7, 0, false, 15);
    CHECK(c.book.judge(c.nothing(), {}) == "");
  }
}

TEST_CASE("what was read as committed stays, and nothing was left out",
  "[simulation][book]") {
  two_clients c;
  c.commit();
  committed_view seen{.partition = 0, .end = 2, .values = {{0, "a"}, {1, "b"}}};
  CHECK(c.book.judge(c.views(), {seen}) == "");
  seen.values.erase(1);
  CHECK(starts_with(
    c.book.judge(c.views(), {seen}), "a reader leaves out nothing"));
  seen.end = 1; // it had not come so far
  CHECK(c.book.judge(c.views(), {seen}) == "");
  two_clients aborted;
  CHECK(starts_with(aborted.book.judge(aborted.nothing(), {seen}),
    "what was read as committed stays"));
}

TEST_CASE("the book knows who else has asked for an id", "[simulation][book]") {
  transaction_book book;
  const auto one = book.next_instance();
  const auto other = book.next_instance();
  CHECK(one != other);
  book.asks_for_id("id", one, 10);
  CHECK_FALSE(book.others_have_asked("id", one, 0));
  book.asks_for_id("id", other, 20);
  CHECK(book.others_have_asked("id", one, 20));
  CHECK_FALSE(book.others_have_asked("id", one, 21));
  CHECK_FALSE(book.others_have_asked("other", one, 0));
}
