#include "apps/cli/offset_spec.hpp"
#include "apps/cli/reset_plan.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::cli;
using kind = offset_spec::kind;

namespace {

offset_spec parsed(std::string_view text) {
  auto spec = parse_offset_spec(text);
  REQUIRE(spec);
  return *spec;
}

int64_t time_of(std::string_view text) {
  auto time = parse_timestamp(text);
  REQUIRE(time);
  return *time;
}

} // namespace

TEST_CASE(
  "positions are words, offsets, distances and times", "[apps][offset_spec]") {
  CHECK(parsed("beginning") == offset_spec{kind::beginning});
  CHECK(parsed("earliest") == offset_spec{kind::beginning});
  CHECK(parsed("end") == offset_spec{kind::end});
  CHECK(parsed("latest") == offset_spec{kind::end});
  CHECK(parsed("stored") == offset_spec{kind::stored});
  CHECK(parsed("17") == offset_spec{kind::absolute, 17});
  CHECK(parsed("-17") == offset_spec{kind::from_end, 17});
  CHECK(
    parsed("@1700000000000") == offset_spec{kind::timestamp, 1700000000000});
}

TEST_CASE("a position that is none is refused with all the forms",
  "[apps][offset_spec]") {
  for (const auto* text : {"", "x", "1x", "@", "@yesterday", "-", "--1"}) {
    auto spec = parse_offset_spec(text);
    INFO(text);
    REQUIRE_FALSE(spec);
    CHECK(spec.error().code == errc::invalid_argument);
  }
}

TEST_CASE("times are milliseconds, dates, or ISO 8601 with a zone",
  "[apps][offset_spec]") {
  // 2024-05-01 is 19844 days after 1970-01-01.
  const int64_t day = 19844 * int64_t{86400000};
  CHECK(time_of("2024-05-01") == day);
  CHECK(time_of("2024-05-01T12:00") == day + 43200000);
  CHECK(time_of("2024-05-01T12:00:01.5Z") == day + 43201500);
  CHECK(time_of("2024-05-01 12:00:00+02:00") == day + 36000000);
  CHECK(time_of("2024-05-01T12:00:00-0530") == day + 63000000);
  CHECK(time_of("123") == 123);
  CHECK_FALSE(parse_timestamp("2024-02-30"));
  CHECK_FALSE(parse_timestamp("2024-05-01T25:00"));
  CHECK_FALSE(parse_timestamp("2024-05-01T12:00:00 noon"));
}

TEST_CASE("a time that is written is read again", "[apps][offset_spec]") {
  CHECK(format_timestamp(0) == "1970-01-01T00:00:00.000Z");
  CHECK(time_of(format_timestamp(1700000000123)) == 1700000000123);
}

TEST_CASE(
  "an offset outside the log becomes its nearest end", "[apps][offset_spec]") {
  CHECK(clamp_offset(5, 10, 20) == 10);
  CHECK(clamp_offset(15, 10, 20) == 15);
  CHECK(clamp_offset(25, 10, 20) == 20);
}
