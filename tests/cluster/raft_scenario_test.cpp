#include "tests/cluster/raft_scenario.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

// tests/cluster/raft_scenarios/*.txt hold commands and all that they must
// print. After a change on purpose, MILLRACE_REWRITE=1 writes the files anew:
// then their diff is what is reviewed.

namespace millrace {

namespace {

std::filesystem::path folder() {
  return std::filesystem::path{MILLRACE_SOURCE_DIR}
         / "tests/cluster/raft_scenarios";
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The first line that differs, for a short message.
std::string difference(const std::string& want, const std::string& is) {
  std::istringstream a{want};
  std::istringstream b{is};
  std::string line;
  for (int number = 1;; ++number) {
    std::string expected;
    const bool more = static_cast<bool>(std::getline(a, expected));
    const bool has = static_cast<bool>(std::getline(b, line));
    if (!more && !has)
      return "";
    if (more != has || expected != line)
      return "line " + std::to_string(number) + "\n  expected: " + expected
             + "\n  printed:  " + line;
  }
}

} // namespace

TEST_CASE(
  "every scenario prints what its file says", "[cluster][raft_scenario]") {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder()))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() >= 12);
  for (const auto& path : files) {
    DYNAMIC_SECTION(path.filename().string()) {
      const auto want = text_of(path);
      const auto printed = test::raft_scenario{}.play(want);
      if (std::getenv("MILLRACE_REWRITE"))
        std::ofstream{path} << printed;
      else
        CHECK(difference(want, printed) == "");
    }
  }
}

} // namespace millrace
