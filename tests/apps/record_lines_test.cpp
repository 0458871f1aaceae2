#include "apps/cli/base64.hpp"
#include "apps/cli/record_lines.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::cli;

namespace {

client::new_record parsed(std::string_view text, const line_format& format) {
  auto record = parse_record(text, format);
  REQUIRE(record);
  return *record;
}

/// Feeds `input` in pieces of `step` bytes and joins what comes out by `|`.
std::string cut(
  std::string_view input, const std::string& delimiter, size_t step) {
  line_cutter cutter{delimiter};
  std::string out;
  for (size_t i = 0; i < input.size(); i += step) {
    cutter.feed(input.substr(i, step));
    while (auto piece = cutter.next())
      out += std::string{*piece} + "|";
  }
  if (auto rest = cutter.rest())
    out += "rest:" + std::string{*rest};
  return out;
}

} // namespace

TEST_CASE("a line is a value, and a key where a delimiter is set",
  "[apps][record_lines]") {
  line_format format;
  CHECK(parsed("a:b", format).value == "a:b");
  CHECK_FALSE(parsed("a:b", format).key);
  format.key_delimiter = ":";
  CHECK(parsed("a:b:c", format).key == "a");
  CHECK(parsed("a:b:c", format).value == "b:c");
  CHECK_FALSE(parsed("plain", format).key);
  format.fixed_key = "fixed";
  CHECK(parsed("plain", format).key == "fixed");
  CHECK(parsed("a:b", format).key == "a");
}

TEST_CASE(
  "empty means null only where it is asked for", "[apps][record_lines]") {
  line_format format;
  format.key_delimiter = ":";
  CHECK(parsed("k:", format).value == "");
  format.empty_is_null = true;
  CHECK(parsed("k:", format).key == "k");
  CHECK_FALSE(parsed("k:", format).value);
  CHECK_FALSE(parsed(":v", format).key);
}

TEST_CASE("headers and partition of the options go to every record",
  "[apps][record_lines]") {
  line_format format;
  format.headers = {{"a", "1"}};
  format.partition = 4;
  const auto record = parsed("x", format);
  CHECK(record.headers == format.headers);
  CHECK(record.partition == 4);
}

TEST_CASE("JSON lines set every field of a record", "[apps][record_lines]") {
  line_format format;
  format.json = true;
  const auto record = parsed(
    R"({"key":"k","value":{"n":1},"headers":[{"name":"h","value":"x"},)"
    R"({"name":"b","value_base64":"//4="},{"name":"z"}],)"
    R"("partition":2,"timestamp":99,"topic":"t","offset":7})",
    format);
  CHECK(record.key == "k");
  CHECK(record.value == R"({"n":1})");
  CHECK(record.headers
        == std::vector<client::header>{
          {"h", "x"}, {"b", "\xff\xfe"}, {"z", std::nullopt}});
  CHECK(record.partition == 2);
  CHECK(record.timestamp == 99);
  CHECK_FALSE(parsed(R"({"value":null})", format).value);
  CHECK(parsed(R"({"value_base64":"aGk="})", format).value == "hi");
  CHECK(parsed(R"({"headers":{"a":"1"}})", format).headers
        == std::vector<client::header>{{"a", "1"}});
}

TEST_CASE(
  "JSON that is no record is refused with an example", "[apps][record_lines]") {
  line_format format;
  format.json = true;
  for (const auto* text : {"", "[1]", "{", R"({"val":1})", R"({"headers":3})",
         R"({"headers":[{"value":1}]})", R"({"value_base64":"%"})",
         R"({"partition":"x"})"}) {
    INFO(text);
    auto record = parse_record(text, format);
    REQUIRE_FALSE(record);
    CHECK(record.error().code == errc::invalid_argument);
  }
}

TEST_CASE("a header is NAME=VALUE, or NAME for null", "[apps][record_lines]") {
  CHECK(*parse_header("a=b=c") == client::header{"a", "b=c"});
  CHECK(*parse_header("a") == client::header{"a", std::nullopt});
  CHECK_FALSE(parse_header("=b"));
  CHECK_FALSE(parse_header(""));
}

TEST_CASE("input is cut at delimiters wherever its pieces end",
  "[apps][record_lines]") {
  for (size_t step = 1; step < 9; ++step) {
    INFO(step);
    CHECK(cut("a\n\nbc\nd", "\n", step) == "a||bc|rest:d");
    CHECK(cut("a--b---c--", "--", step) == "a|b|-c|");
    CHECK(cut("", "\n", step).empty());
  }
}

TEST_CASE("base 64 reads what it writes, and refuses the rest",
  "[apps][record_lines]") {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"})
    CHECK(decode_base64(encode_base64(text)) == text);
  CHECK(encode_base64("abcd") == "YWJjZA==");
  CHECK_FALSE(decode_base64("abc"));
  CHECK_FALSE(decode_base64("a=bc"));
  CHECK_FALSE(decode_base64("=abc"));
  CHECK_FALSE(decode_base64("a#=="));
}
