#include "tests/preload/record_text.hpp"
#include "tests/preload/recording.hpp"

#include <catch2/catch.hpp>

namespace millrace::preload {

TEST_CASE("a beginning and an end of one call find each other",
  "[preload][recording]") {
  record_text text;
  text.begin({.kind = call_kind::write, .call = 1}, "", "first");
  text.begin({.kind = call_kind::sync, .call = 2});
  text.end({.kind = call_kind::write, .call = 1, .result = 5});
  const auto record = recording::parse(text.bytes());
  REQUIRE(record.ok());
  const auto& entries = record->entries();
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].partner == 2);
  CHECK(entries[2].partner == 0);
  CHECK(entries[0].data == "first");
  CHECK(record->result_of(0) == 5);
  CHECK(entries[1].partner == never);
  CHECK(record->result_of(1) == -1);
}

TEST_CASE("a call of a killed process is not ended by one of the next",
  "[preload][recording]") {
  record_text text;
  text.begin({.kind = call_kind::write, .call = 1});
  text.begin({.kind = call_kind::process});
  text.end({.kind = call_kind::write, .call = 1, .result = 5});
  const auto record = recording::parse(text.bytes());
  REQUIRE(record.ok());
  CHECK(record->entries()[0].partner == never);
}

TEST_CASE("an entry that is cut at the end is left out, bytes that are none "
          "are corrupt",
  "[preload][recording]") {
  record_text text;
  text.begin({.kind = call_kind::mkdir, .call = 1}, "/d/a");
  const auto whole = text.bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto record = recording::parse(whole.substr(0, size));
    REQUIRE(record.ok());
    CHECK(record->entries().empty());
  }
  CHECK(recording::parse(std::string(64, 'x')).error().code == errc::corrupt);
}

TEST_CASE("a rename's two names are told apart", "[preload][recording]") {
  record_text text;
  text.begin({.kind = call_kind::rename, .call = 1},
    std::string{"/d/a"} + '\0' + "/d/b");
  const auto record = recording::parse(text.bytes());
  REQUIRE(record.ok());
  CHECK(record->entries()[0].path == "/d/a");
  CHECK(record->entries()[0].other_path == "/d/b");
}

} // namespace millrace::preload
