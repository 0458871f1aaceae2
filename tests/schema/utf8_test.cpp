#include "schema/utf8.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// U+FFFD, `count` times.
std::string replaced(size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i)
    out += "\xef\xbf\xbd";
  return out;
}

} // namespace

TEST_CASE("well-formed text stays as it is", "[schema][utf8]") {
  for (const std::string text :
    {"", "plain", "\xc3\xa9", "\xe4\xb8\x96", "\xf0\x9f\x98\x80",
      "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf", "\xee\x80\x80"})
    CHECK(as_utf8(text) == text);
}

TEST_CASE("a byte that begins nothing is replaced alone", "[schema][utf8]") {
  CHECK(as_utf8("\xff\xfe") == replaced(2));
  CHECK(as_utf8("a\x80z") == "a" + replaced(1) + "z");
  // Overlong forms, and a point above U+10FFFF.
  CHECK(as_utf8("\xc0\x80") == replaced(2));
  CHECK(as_utf8("\xe0\x80\x80") == replaced(3));
  CHECK(as_utf8("\xf4\x90\x80\x80") == replaced(4));
}

TEST_CASE(
  "a beginning that is not gone on with is replaced as one", "[schema][utf8]") {
  CHECK(as_utf8("\xe4\xb8z") == replaced(1) + "z");
  CHECK(as_utf8("\xf0\x9f\x98z") == replaced(1) + "z");
  CHECK(as_utf8("a\xe4\xb8") == "a" + replaced(1));
  CHECK(as_utf8("\xe4\xe4\xb8\x96") == replaced(1) + "\xe4\xb8\x96");
}

TEST_CASE("a surrogate is replaced once, as Java does it", "[schema][utf8]") {
  CHECK(as_utf8("\xed\xa0\x80") == replaced(1));
  CHECK(as_utf8("\xed\xa0\x80\xed\xb0\x80") == replaced(2));
}

TEST_CASE("a front tells its point and its bytes", "[schema][utf8]") {
  CHECK(front_of_utf8("\xf0\x9f\x98\x80!").point == 0x1f600);
  CHECK(front_of_utf8("\xf0\x9f\x98\x80!").bytes == 4);
  CHECK(front_of_utf8("\xf0\x9f").point == 0xfffd);
  CHECK(front_of_utf8("\xf0\x9f").bytes == 2);
}
