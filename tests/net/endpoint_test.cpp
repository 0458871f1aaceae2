#include "net/endpoint.hpp"
#include "net/host.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("addresses are parsed in all the forms that people write",
  "[net][endpoint]") {
  struct example {
    const char* text;
    endpoint parsed;
  };
  const example examples[] = {{"localhost:9093", {"localhost", 9093}},
    {"localhost", {"localhost", 9092}}, {"[::1]:80", {"::1", 80}},
    {"[::1]", {"::1", 9092}}, {"::1", {"::1", 9092}},
    {"fe80::1", {"fe80::1", 9092}}, {":1234", {"", 1234}},
    {"10.0.0.1:0", {"10.0.0.1", 0}}};
  for (const auto& [text, expected] : examples) {
    auto parsed = parse_endpoint(text, 9092);
    INFO(text);
    REQUIRE(parsed);
    CHECK(*parsed == expected);
  }
}

TEST_CASE("what is no address is refused with a sentence that quotes it",
  "[net][endpoint]") {
  for (const char* text :
    {"", "host:", "host:port", "host:65536", "host:-1", "[::1", "[::1]9092",
      "[host]:1", "a b:1", "http://host:1", "a:1,b:2"}) {
    auto parsed = parse_endpoint(text, 9092);
    INFO(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == errc::invalid_argument);
    CHECK(parsed.error().context.find('"' + std::string{text} + '"')
          != std::string::npos);
  }
}

TEST_CASE("a v6 address is written in brackets", "[net][endpoint]") {
  CHECK(endpoint{"::1", 9092}.to_string() == "[::1]:9092");
  CHECK(endpoint{"127.0.0.1", 9092}.to_string() == "127.0.0.1:9092");
}

TEST_CASE("localhost is both loopback addresses, v4 first", "[net][host]") {
  auto all = resolve({"localhost", 9092}, resolve_for::connecting);
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(endpoint_of((*all)[0].storage) == endpoint{"127.0.0.1", 9092});
  CHECK(endpoint_of((*all)[1].storage) == endpoint{"::1", 9092});
}

TEST_CASE("a numeric host is resolved to itself", "[net][host]") {
  auto all = resolve({"192.0.2.7", 1}, resolve_for::connecting);
  REQUIRE(all);
  REQUIRE(all->size() == 1);
  CHECK(endpoint_of(all->front().storage) == endpoint{"192.0.2.7", 1});
}

TEST_CASE("a host that does not exist is named in the error", "[net][host]") {
  auto all = resolve({"no-such-host.invalid", 1}, resolve_for::connecting);
  REQUIRE_FALSE(all);
  CHECK(all.error().context.find("no-such-host.invalid") != std::string::npos);
}
