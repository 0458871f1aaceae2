#include "storage/open_transactions.hpp"
#include "tests/storage/transaction_recipes.hpp"

using namespace millrace;

namespace {

/// Tells of a transactional batch of one record at `at`.
void data(open_transactions& open, int64_t producer, int64_t at) {
  const auto bytes = make_transactional(
    {.producer = {producer}, .producer_epoch = 0, .sequence = 0});
  CHECK_FALSE(open.apply(batch_view{bytes.span()}, {at}));
}

std::optional<ended_transaction> marker(
  open_transactions& open, int64_t producer, int64_t at, bool commit = true) {
  const auto bytes = make_control_batch({{producer}, 0, commit, 0}, 1000);
  return open.apply(batch_view{bytes.span()}, {at});
}

} // namespace

TEST_CASE("without transactions all that is replicated may be read",
  "[storage][open_transactions]") {
  open_transactions open;
  CHECK_FALSE(open.first_unstable());
  CHECK(open.last_stable({7}) == offset{7});
  const auto plain
    = make_batch({.producer = {1}, .producer_epoch = 0, .sequence = 0});
  CHECK_FALSE(open.apply(batch_view{plain.span()}, {5}));
  CHECK_FALSE(open.first_unstable());
}

TEST_CASE("an open transaction holds readers back at its first batch",
  "[storage][open_transactions]") {
  open_transactions open;
  data(open, 1, 10);
  data(open, 2, 11);
  data(open, 1, 12);
  CHECK(open.open_count() == 2);
  CHECK(open.last_stable({100}) == offset{10});
  CHECK(open.last_stable({8}) == offset{8});
  CHECK(marker(open, 1, 13) == ended_transaction{{1}, {10}, {13}, {11}});
  CHECK(marker(open, 2, 14) == ended_transaction{{2}, {11}, {14}, {15}});
  CHECK(open.open_count() == 0);
}

TEST_CASE(
  "a marker counts when it is replicated", "[storage][open_transactions]") {
  open_transactions open;
  data(open, 1, 10);
  marker(open, 1, 12);
  CHECK(open.last_stable({12}) == offset{10});
  open.advance({12}); // exclusive: the marker is not below it
  CHECK(open.last_stable({12}) == offset{10});
  open.advance({13});
  CHECK(open.last_stable({13}) == offset{13});
}

TEST_CASE("a marker of a producer without a transaction ends none",
  "[storage][open_transactions]") {
  open_transactions open;
  data(open, 1, 10);
  CHECK_FALSE(marker(open, 2, 11));
  CHECK(open.last_stable({20}) == offset{10});
  CHECK(marker(open, 1, 12));
  CHECK_FALSE(marker(open, 1, 13)); // once more
}

TEST_CASE(
  "a snapshot of producers says what is open", "[storage][open_transactions]") {
  producer_state producers;
  open_transactions open;
  const auto tell = [&](const shared_bytes& bytes, int64_t at) {
    producers.apply(batch_view{bytes.span()}, {at});
    open.apply(batch_view{bytes.span()}, {at});
  };
  for (int64_t id = 1; id <= 3; ++id)
    tell(make_transactional(
           {.producer = {id}, .producer_epoch = 0, .sequence = 0}),
      10 + id);
  tell(make_control_batch({{1}, 0, false, 4}, 1000), 14);
  const auto snapshot = producer_state::decode(producers.encode());
  REQUIRE(snapshot.ok());
  open_transactions restored;
  data(restored, 9, 1); // forgotten
  restored.restore(*snapshot);
  CHECK(restored.open_count() == 2);
  CHECK(restored.first_unstable() == offset{12});
  CHECK(marker(restored, 3, 15) == marker(open, 3, 15));
}
