#include "storage/producer_state.hpp"
#include "tests/storage/log_fixture.hpp"

using namespace millrace;

namespace {

constexpr producer_id pid{4};

sequenced_batch batch(int16_t epoch, int32_t first, int32_t last) {
  return {pid, epoch, first, last};
}

/// After batches of `sizes` records from sequence `first` on, from offset 100.
producer_state after(std::vector<int> sizes, int32_t first = 0) {
  producer_state state;
  offset at{100};
  for (const int size : sizes) {
    const auto bytes = make_batch(
      {.count = size, .producer = pid, .producer_epoch = 3, .sequence = first});
    state.apply(batch_view{bytes.span()}, at);
    at = at + int64_t{size};
    first = advance_sequence(first, size);
  }
  return state;
}

kafka_error error_of(const producer_state& state, const sequenced_batch& b) {
  return judge_sequence(state.find(pid), b).error;
}

} // namespace

TEST_CASE("an unknown producer may start at any sequence (R13)",
  "[storage][producer_state]") {
  CHECK(judge_sequence(nullptr, batch(0, 77, 78)).error == kafka_error::none);
}

TEST_CASE(
  "while what an unknown producer sent before may still come, it begins "
  "at 0 (R13)",
  "[storage][producer_state]") {
  const auto verdict = judge_sequence(nullptr, batch(0, 77, 78), true);
  CHECK(verdict.error == kafka_error::out_of_order_sequence_number);
  CHECK(verdict.leaves_gap);
  CHECK_FALSE(verdict.original);
  CHECK(
    judge_sequence(nullptr, batch(0, 0, 78), true).error == kafka_error::none);
}

TEST_CASE(
  "what lies before the first batch that is known is no duplicate (R13)",
  "[storage][producer_state]") {
  const auto state = after({2, 2, 2, 2, 2, 2, 2}, 10);
  CHECK(error_of(state, batch(3, 10, 11))
        == kafka_error::duplicate_sequence_number);
  for (const int32_t first : {0, 8, 9}) {
    const auto verdict
      = judge_sequence(state.find(pid), batch(3, first, first + 1));
    CHECK(verdict.error == kafka_error::out_of_order_sequence_number);
    CHECK_FALSE(verdict.leaves_gap);
  }
  CHECK(judge_sequence(state.find(pid), batch(3, 30, 31)).leaves_gap);
  // A snapshot does not say where it began.
  auto restored = producer_state::decode(state.encode());
  REQUIRE(restored.ok());
  CHECK(error_of(*restored, batch(3, 8, 9))
        == kafka_error::duplicate_sequence_number);
}

TEST_CASE(
  "a known producer goes on without a gap (R13)", "[storage][producer_state]") {
  const auto state = after({2, 3});
  CHECK(error_of(state, batch(3, 5, 5)) == kafka_error::none);
  CHECK(error_of(state, batch(3, 6, 6))
        == kafka_error::out_of_order_sequence_number);
  // Half of it was there before, half is new.
  CHECK(error_of(state, batch(3, 4, 5))
        == kafka_error::out_of_order_sequence_number);
}

TEST_CASE("a batch of the last five is answered like the original (R13)",
  "[storage][producer_state]") {
  const auto state = after({2, 2, 2, 2, 2, 2, 2});
  for (int i = 2; i < 7; ++i) {
    const auto verdict
      = judge_sequence(state.find(pid), batch(3, 2 * i, 2 * i + 1));
    CHECK(verdict.error == kafka_error::none);
    REQUIRE(verdict.original);
    CHECK(verdict.original->base_offset == offset{100 + 2 * i});
    CHECK(verdict.original->last_offset == offset{101 + 2 * i});
  }
}

TEST_CASE("a batch older than the window is DUPLICATE_SEQUENCE_NUMBER (R13)",
  "[storage][producer_state]") {
  const auto state = after({2, 2, 2, 2, 2, 2, 2});
  const auto verdict = judge_sequence(state.find(pid), batch(3, 2, 3));
  CHECK(verdict.error == kafka_error::duplicate_sequence_number);
  REQUIRE(verdict.original);
  CHECK(verdict.original->last_offset == offset{113});
}

TEST_CASE(
  "sequences wrap from 2^31-1 to 0 (R13)", "[storage][producer_state]") {
  CHECK(advance_sequence(INT32_MAX, 1) == 0);
  CHECK(advance_sequence(INT32_MAX - 1, 3) == 1);
  const auto state = after({2, 3}, INT32_MAX - 2);
  // INT32_MAX - 2, INT32_MAX - 1 | INT32_MAX, 0, 1
  CHECK(error_of(state, batch(3, 2, 2)) == kafka_error::none);
  CHECK(judge_sequence(state.find(pid), batch(3, INT32_MAX, 1)).original);
  CHECK(error_of(state, batch(3, 3, 3))
        == kafka_error::out_of_order_sequence_number);
  CHECK(error_of(state, batch(3, INT32_MAX - 1, INT32_MAX - 1))
        == kafka_error::duplicate_sequence_number);
  // Never seen here.
  CHECK(error_of(state, batch(3, INT32_MAX - 9, INT32_MAX - 9))
        == kafka_error::out_of_order_sequence_number);
}

TEST_CASE("an old epoch is fenced, a new one begins at 0",
  "[storage][producer_state]") {
  const auto state = after({2});
  CHECK(error_of(state, batch(2, 2, 2)) == kafka_error::invalid_producer_epoch);
  CHECK(error_of(state, batch(4, 0, 0)) == kafka_error::none);
  CHECK(error_of(state, batch(4, 2, 2))
        == kafka_error::out_of_order_sequence_number);
}

TEST_CASE("a snapshot gives back the newest batch of each producer",
  "[storage][producer_state]") {
  const auto state = after({2, 3, 4}, INT32_MAX - 6);
  const auto bytes = state.encode();
  CHECK(bytes.size() == 10 + 46);
  auto back = producer_state::decode(bytes);
  REQUIRE(back.ok());
  CHECK(back->encode() == bytes);
  const auto& last = *back->find(pid)->last();
  CHECK(last.base_sequence == INT32_MAX - 1);
  CHECK(last.last_sequence == 1);
  CHECK(last.base_offset == offset{105});
  CHECK(last.last_offset == offset{108});
}

TEST_CASE("a spoiled snapshot is corrupt", "[storage][producer_state]") {
  const auto bytes = after({2, 3}).encode();
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    CHECK_FALSE(producer_state::decode(bad).ok());
    CHECK_FALSE(producer_state::decode(bytes.substr(0, i)).ok());
  }
}

TEST_CASE("a producer is forgotten when it was idle for long",
  "[storage][producer_state]") {
  auto state = after({1});
  state.expire(5000, 100); // from here on it is seen to be idle
  state.expire(5099, 100);
  CHECK_FALSE(state.empty());
  state.expire(5100, 100);
  CHECK(state.empty());
}

TEST_CASE("a producer is not forgotten because its timestamps are old (R19)",
  "[storage][producer_state]") {
  auto state = after({1}); // at 1000
  state.expire(1'700'000'000'000, 100);
  CHECK_FALSE(state.empty());
}

namespace {

/// A producer in epoch 3 after a marker of coordinator epoch 5.
producer_entry after_marker(bool open) {
  producer_entry entry;
  entry.epoch = 3;
  entry.coordinator_epoch = 5;
  if (open)
    entry.transaction_start = offset{40};
  return entry;
}

} // namespace

TEST_CASE("a snapshot keeps the coordinator's epoch and what is open",
  "[storage][producer_state]") {
  producer_state state;
  state.replace(pid, after_marker(true));
  const auto restored = producer_state::decode(state.encode());
  REQUIRE(restored.ok());
  REQUIRE(restored->find(pid));
  CHECK(restored->find(pid)->coordinator_epoch == 5);
  CHECK(restored->find(pid)->transaction_start == offset{40});
}

TEST_CASE("of an epoch of which only a marker is known the first batch begins "
          "at 0 (R13)",
  "[storage][producer_state]") {
  producer_state state;
  state.replace(pid, after_marker(false));
  CHECK(error_of(state, batch(3, 0, 4)) == kafka_error::none);
  const auto verdict = judge_sequence(state.find(pid), batch(3, 1, 4));
  CHECK(verdict.error == kafka_error::out_of_order_sequence_number);
  CHECK(verdict.leaves_gap);
}
