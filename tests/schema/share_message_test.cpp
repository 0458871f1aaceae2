#include "schema/share_message.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

share_message sent(const share_message& message, uint64_t id) {
  const auto e = decode_envelope(encode(encode(message, id)));
  REQUIRE(e.ok());
  CHECK(e->request_id == id);
  CHECK(e->conversation == conversation::shares);
  auto read = decode_share_message(*e);
  REQUIRE(read.ok());
  return std::move(*read);
}

} // namespace

TEST_CASE("a request about share groups arrives with its frame",
  "[schema][share_message]") {
  const auto message
    = sent(share_request{7, shared_bytes::copy_of("a frame")}, 3);
  const auto& request = std::get<share_request>(message);
  CHECK(request.broker_epoch == 7);
  CHECK(request.frame.text() == "a frame");
}

TEST_CASE("an answer about share groups arrives, or that there is none",
  "[schema][share_message]") {
  const auto some = sent(share_response{shared_bytes::copy_of("frame")}, 3);
  CHECK(std::get<share_response>(some).frame.text() == "frame");
  CHECK(std::get<share_response>(sent(share_response{}, 4)).frame.empty());
  CHECK(encode(share_response{}, 4).is_answer);
}

TEST_CASE("what is no message about share groups is refused",
  "[schema][share_message]") {
  auto request = encode(share_request{7, shared_bytes::copy_of("frame")}, 3);
  request.runs.clear();
  CHECK_FALSE(decode_share_message(request).ok());
  request.runs.resize(2);
  CHECK_FALSE(decode_share_message(request).ok());
  auto other = encode(share_response{}, 3);
  other.conversation = conversation::custom;
  CHECK_FALSE(decode_share_message(other).ok());
}
