#include "schema/group_hello.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("a hello to a group comes back as it went", "[schema][group_hello]") {
  const group_hello hello{"metadata", {{3}, {1, 2}}, true};
  const auto sent = encode(hello, true);
  CHECK(sent.is_answer);
  const auto frame = decode_envelope(encode(sent));
  REQUIRE(frame.ok());
  const auto back = decode_group_hello(*frame);
  REQUIRE(back.ok());
  CHECK(*back == hello);
}

TEST_CASE(
  "a hello from nobody, or a broken one, is corrupt", "[schema][group_hello]") {
  const auto code = [](const envelope& e) {
    const auto decoded = decode_group_hello(e);
    REQUIRE_FALSE(decoded.ok());
    return decoded.error().code;
  };
  CHECK(code(encode(group_hello{"g", {{-1}, {1, 2}}, true}, false))
        == errc::corrupt);
  CHECK(
    code(encode(group_hello{"g", {{1}, {}}, true}, false)) == errc::corrupt);
  auto cut = encode(group_hello{"g", {{1}, {1, 2}}, true}, false);
  cut.message = cut.message.slice(0, cut.message.size() - 8);
  CHECK(code(cut) == errc::corrupt);
}
