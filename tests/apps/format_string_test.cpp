#include "apps/cli/format_string.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::cli;

namespace {

client::fetched_record sample() {
  client::fetched_record record;
  record.topic = "orders";
  record.partition = 3;
  record.offset = 42;
  record.timestamp = 1700000000123;
  record.key = "k";
  record.value = "hello";
  record.headers = {{"a", "1"}, {"b", std::nullopt}};
  return record;
}

std::string print(
  std::string_view format, const client::fetched_record& record) {
  std::string out;
  auto parsed = format_string::parse(format);
  REQUIRE(parsed);
  parsed->append(out, record, "NULL");
  return out;
}

} // namespace

TEST_CASE(
  "every conversion of kcat prints its field", "[apps][format_string]") {
  const auto r = sample();
  CHECK(print("%t/%p/%o", r) == "orders/3/42");
  CHECK(print("%k %K %s %S", r) == "k 1 hello 5");
  CHECK(print("%T", r) == "1700000000123");
  CHECK(print("%h", r) == "a=1,b=NULL");
  CHECK(print("100%%", r) == "100%");
}

TEST_CASE("%R is the length in four bytes", "[apps][format_string]") {
  CHECK(print("%R", sample()) == std::string("\0\0\0\5", 4));
}

TEST_CASE("null keys and values have length -1 and a text of their own",
  "[apps][format_string]") {
  client::fetched_record r;
  CHECK(print("%k:%K %s:%S", r) == "NULL:-1 NULL:-1");
  CHECK(print("%R", r) == "\xff\xff\xff\xff");
}

TEST_CASE(
  "escapes stand for control characters and bytes", "[apps][format_string]") {
  CHECK(print(R"(a\tb\n\r\\)", sample()) == "a\tb\n\r\\");
  CHECK(print(R"(\x41\0)", sample()) == std::string("A\0", 2));
}

TEST_CASE(
  "an unknown conversion is refused with its place", "[apps][format_string]") {
  auto bad = format_string::parse("ab%q");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == errc::invalid_argument);
  CHECK(bad.error().context.find("%q at character 3") != std::string::npos);
  CHECK_FALSE(format_string::parse("end%"));
  CHECK_FALSE(format_string::parse(R"(\q)"));
  CHECK_FALSE(format_string::parse(R"(\x4)"));
  CHECK_FALSE(format_string::parse("\\"));
}

TEST_CASE("a JSON line holds every field, and bytes that are not UTF-8 as "
          "base 64",
  "[apps][format_string]") {
  auto r = sample();
  CHECK(
    to_json_line(r)
    == R"({"topic":"orders","partition":3,"offset":42,)"
       R"("timestamp":1700000000123,"key":"k","value":"hello",)"
       R"("headers":[{"name":"a","value":"1"},{"name":"b","value":null}]})");
  r.key.reset();
  r.headers.clear();
  r.value = "\xff\xfe";
  CHECK(to_json_line(r)
        == R"({"topic":"orders","partition":3,"offset":42,)"
           R"("timestamp":1700000000123,"key":null,"value_base64":"//4=",)"
           R"("headers":[]})");
}
