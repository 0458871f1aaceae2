#include "simulation/sim_file_system.hpp"
#include "storage/checkpoint_file.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("a checkpoint is Kafka's text (R16)", "[storage][checkpoint_file]") {
  const checkpoint entries{{{"b", 0}, offset{7}}, {{"a", 11}, offset{0}},
    {{"a", 2}, offset{INT64_MAX}}};
  const std::string text = "0\n3\na 2 9223372036854775807\na 11 0\nb 0 7\n";
  CHECK(format_checkpoint(entries) == text);
  CHECK(*parse_checkpoint(text, "x") == entries);
  CHECK(parse_checkpoint("0\n0\n", "x")->empty());
}

TEST_CASE("a broken checkpoint is an error that names the line",
  "[storage][checkpoint_file]") {
  const auto why = [](std::string_view text) {
    auto parsed = parse_checkpoint(text, "name");
    REQUIRE_FALSE(parsed);
    return to_string(parsed.error().code) + std::string{": "}
           + parsed.error().context;
  };
  const auto unsupported = to_string(errc::unsupported);
  CHECK_THAT(why(""), Catch::Contains("line 1 is missing"));
  CHECK_THAT(why("1\n0\n"), Catch::StartsWith(unsupported));
  CHECK_THAT(why("0"), Catch::Contains("line 1 has no end"));
  CHECK_THAT(why("0\n"), Catch::Contains("line 2 is missing"));
  CHECK_THAT(why("0\n-1\n"), Catch::Contains("line 2 is no count"));
  CHECK_THAT(why("0\n99999999999999999999\n"), Catch::Contains("line 2"));
  CHECK_THAT(why("0\n1\n"), Catch::Contains("line 3 is missing"));
  CHECK_THAT(why("0\n1\na 1 2"), Catch::Contains("line 3 has no end"));
  for (const char* line : {"a", "a 1", " 1 2", "", "a  2", "a x 2", "a -1 2",
         "a 1 x", "a 1 -2", "a 1 2 ", "a 4294967296 2"})
    CHECK_THAT(
      why(std::string{"0\n1\n"} + line + "\n"), Catch::Contains("line 3 "));
  CHECK_THAT(why("0\n2\na 1 2\na 1 3\n"), Catch::Contains("line 4 names"));
  CHECK_THAT(why("0\n1\na 1 2\na 2 3\n"), Catch::Contains("line 3 should"));
}

TEST_CASE("a checkpoint file is replaced whole; a missing one is empty",
  "[storage][checkpoint_file]") {
  sim_file_system files;
  CHECK(read_checkpoint(files, "/c")->empty());
  const checkpoint entries{{{"orders", 0}, offset{7}}};
  REQUIRE(write_checkpoint(files, "/c", entries));
  files.crash(crash_policy::lose_unsynced);
  CHECK(*read_checkpoint(files, "/c") == entries);
}
