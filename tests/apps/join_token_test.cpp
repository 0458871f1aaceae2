#include "apps/cli/base64.hpp"
#include "apps/cli/join_token.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::cli;

namespace {

join_token sample(bool has_certificate) {
  join_token token{"QMwOJQlogKWendfgr7RyrA", 4, {}, {}, {}};
  if (has_certificate) {
    token.ca = "-----BEGIN CERTIFICATE-----\nca\n";
    token.certificate = "-----BEGIN CERTIFICATE-----\nnode\n";
    token.key = "-----BEGIN PRIVATE KEY-----\nkey\n";
  }
  return token;
}

} // namespace

TEST_CASE("a join token is one word and holds everything", "[apps][join]") {
  const auto token = sample(GENERATE(true, false));
  const auto text = encode_join_token(token);
  CHECK(text.find_first_of(" \n\t") == std::string::npos);
  const auto read = decode_join_token(text);
  REQUIRE(read.ok());
  CHECK(*read == token);
}

TEST_CASE(
  "a join token that was not copied as a whole is told from a whole one",
  "[apps][join]") {
  const auto text = encode_join_token(sample(GENERATE(true, false)));
  for (size_t length = 0; length < text.size(); ++length) {
    const auto read = decode_join_token(text.substr(0, length));
    INFO(length << " of " << text.size());
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == errc::invalid_argument);
  }
}

TEST_CASE("what is no join token, or one of another millrace, is refused",
  "[apps][join]") {
  const auto code_of = [](const std::string& lines) {
    const auto read = decode_join_token(encode_base64(lines));
    return read.ok() ? std::string{} : to_string(read.error());
  };
  CHECK(code_of("millrace-join 2\nend .\n").find("of version 2")
        != std::string::npos);
  CHECK(code_of("something else\n") != "");
  CHECK(code_of("millrace-join 1\ncluster c\nnode 4x\nend .\n") != "");
  CHECK(code_of("millrace-join 1\ncluster c\nnode -4\nend .\n") != "");
  CHECK(code_of("millrace-join 1\ncluster c\nnode 4\nca !!\nend .\n") != "");
  CHECK(code_of("millrace-join 1\ncluster c\nnode 4\nend .\n") == "");
}
