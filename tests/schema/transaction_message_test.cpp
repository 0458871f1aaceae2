#include "schema/transaction_message.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

template <class T>
T through_the_wire(const T& message) {
  const auto frame = encode(encode(transaction_message{message}, 7));
  auto envelope = decode_envelope(frame);
  REQUIRE(envelope.ok());
  CHECK(envelope->request_id == 7);
  CHECK(envelope->is_answer == std::is_same_v<T, transaction_errors>);
  auto decoded = decode_transaction_message(*envelope);
  REQUIRE(decoded.ok());
  REQUIRE(std::holds_alternative<T>(*decoded));
  return std::get<T>(*decoded);
}

marker_write a_write(int32_t partition) {
  return {.id = {1'000'007},
    .epoch = 3,
    .commit = true,
    .transaction_version = 2,
    .coordinator_epoch = 11,
    .partition = {"orders", partition},
    .leadership = leader_epoch{5}};
}

} // namespace

TEST_CASE("what is said about transactions comes out as it went in",
  "[schema][transaction_message]") {
  const transaction_check check{"payments", {42}, 9, true,
    {{"orders", 0}, {"orders", 7}, {"__consumer_offsets", 49}}};
  CHECK(through_the_wire(check) == check);
  using namespace std::string_literals;
  const transaction_check odd{"a\0b"s, {42}, 9, true, {{"\0c\xff"s, 0}}};
  CHECK(through_the_wire(odd) == odd);
  const transaction_check none{"", {-1}, -1, false, {}};
  CHECK(through_the_wire(none) == none);
  const marker_order order{77, {a_write(0), a_write(31)}};
  CHECK(through_the_wire(order) == order);
  const transaction_errors answer{
    {kafka_error::none, kafka_error::concurrent_transactions}};
  CHECK(through_the_wire(answer) == answer);
}

TEST_CASE("what is no message about transactions is refused",
  "[schema][transaction_message]") {
  CHECK_FALSE(
    decode_transaction_message({.conversation = conversation::transactions})
      .ok());
  auto other = encode(transaction_message{transaction_errors{}}, 1);
  other.conversation = conversation::raft;
  CHECK_FALSE(decode_transaction_message(other).ok());
  auto nobodys = a_write(1);
  nobodys.id = no_producer_id;
  CHECK_FALSE(decode_transaction_message(
    encode(transaction_message{marker_order{1, {nobodys}}}, 1))
      .ok());
  auto no_epoch = a_write(1);
  no_epoch.epoch = -1;
  CHECK_FALSE(decode_transaction_message(
    encode(transaction_message{marker_order{1, {no_epoch}}}, 1))
      .ok());
}
