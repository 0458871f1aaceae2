#include "schema/custom_message.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

template <class T>
T through_the_wire(const T& message, uint64_t id = 0) {
  const auto frame = encode(encode(custom_message{message}, id));
  auto envelope = decode_envelope(frame);
  REQUIRE(envelope.ok());
  CHECK(envelope->request_id == id);
  CHECK(envelope->is_answer == std::is_same_v<T, forwarded_answer>);
  auto decoded = decode_custom_message(*envelope);
  REQUIRE(decoded.ok());
  REQUIRE(std::holds_alternative<T>(*decoded));
  return std::get<T>(*decoded);
}

} // namespace

TEST_CASE("what custom actors say comes out as it went in",
  "[schema][custom_message]") {
  const auto letter = through_the_wire(actor_letter{{"limiter", 2}, {"door", 7},
    0xfedcba9876543210, shared_bytes::copy_of("a message")});
  CHECK(letter.to == actor_address{"limiter", 2});
  CHECK(letter.from == actor_address{"door", 7});
  CHECK(letter.type == 0xfedcba9876543210);
  CHECK(letter.body.text() == "a message");
  CHECK(through_the_wire(forwarded_request{shared_bytes::copy_of("ask")}, 9)
          .frame.text()
        == "ask");
  CHECK(through_the_wire(forwarded_answer{shared_bytes::copy_of("tell")}, 9)
          .frame.text()
        == "tell");
  CHECK(through_the_wire(forwarded_answer{}, 9).frame.empty());
}

TEST_CASE("what is no message of custom actors is refused",
  "[schema][custom_message]") {
  CHECK_FALSE(
    decode_custom_message({.conversation = conversation::custom}).ok());
  auto other = encode(custom_message{forwarded_answer{}});
  other.conversation = conversation::raft;
  CHECK_FALSE(decode_custom_message(other).ok());
  auto two_runs
    = encode(custom_message{forwarded_request{shared_bytes::copy_of("x")}});
  two_runs.runs.push_back(shared_bytes::copy_of("y"));
  CHECK_FALSE(decode_custom_message(two_runs).ok());
  CHECK_FALSE(
    decode_custom_message({.conversation = conversation::custom,
                            .message = shared_bytes::copy_of("12345678")})
      .ok());
}

TEST_CASE("a record that waits is kept with what it lacks",
  "[schema][custom_message]") {
  for (const auto& write :
    {waiting_write{"out", 3, "k", "v"}, waiting_write{"out", -1, {}, "v"},
      waiting_write{"out", -1, "k", {}}, waiting_write{"out", 0, "", ""}}) {
    const auto read = decode_waiting_write(encode(write));
    REQUIRE(read.ok());
    CHECK(read.value() == write);
  }
  CHECK_FALSE(decode_waiting_write("12345678").ok());
}
