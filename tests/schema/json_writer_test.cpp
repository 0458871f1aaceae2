#include "schema/kafka/json_writer.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::kafka;

TEST_CASE(
  "commas stand between members and elements only", "[schema][json_writer]") {
  json_writer j;
  j.begin_object();
  j.key("a");
  j.begin_array();
  j.number(int64_t{1});
  j.null();
  j.begin_object();
  j.end_object();
  j.string(std::string_view{","});
  j.boolean(true);
  j.end_array();
  j.key("b");
  j.number(0.5);
  j.end_object();
  CHECK(j.take() == R"({"a":[1,null,{},",",true],"b":0.5})");
}

TEST_CASE("a string that ends like an open bracket gets its comma",
  "[schema][json_writer]") {
  json_writer j;
  j.begin_array();
  j.string(std::string_view{"[{:"});
  j.string(std::string_view{""});
  j.end_array();
  CHECK(j.take() == R"(["[{:",""])");
}

TEST_CASE("what JSON reserves is escaped", "[schema][json_writer]") {
  json_writer j;
  j.string(std::string_view{"\"\\\n\x01\xc3\xa9", 6});
  CHECK(j.take() == "\"\\\"\\\\\\u000a\\u0001\xc3\xa9\"");
}

TEST_CASE("bytes that are no UTF-8 become U+FFFD", "[schema][json_writer]") {
  const std::string bad = "\xef\xbf\xbd";
  auto text = [](std::string_view x) {
    json_writer j;
    j.string(x);
    return j.take();
  };
  CHECK(text("a\x80z") == "\"a" + bad + "z\"");
  CHECK(text("\xc3") == '"' + bad + '"');
  CHECK(text("\xc0\xaf") == '"' + bad + bad + '"');           // overlong
  CHECK(text("\xed\xa0\x80") == '"' + bad + bad + bad + '"'); // surrogate
  CHECK(text("\xf0\x9f\x98\x80") == "\"\xf0\x9f\x98\x80\"");
}

TEST_CASE("bytes are padded base64", "[schema][json_writer]") {
  auto text = [](std::string_view x) {
    json_writer j;
    j.bytes(x);
    return j.take();
  };
  // RFC 4648, section 10.
  CHECK(text("") == "\"\"");
  CHECK(text("f") == "\"Zg==\"");
  CHECK(text("fo") == "\"Zm8=\"");
  CHECK(text("foo") == "\"Zm9v\"");
  CHECK(text("foobar") == "\"Zm9vYmFy\"");
}
