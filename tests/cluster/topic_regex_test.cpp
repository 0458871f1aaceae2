#include "cluster/topic_regex.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

const topic_view& some_topics() {
  static const topic_view topics{
    3, {{"b", {0, 2}, 1}, {"a", {0, 1}, 5}, {"ab", {0, 3}, 2}}};
  return topics;
}

} // namespace

TEST_CASE("topics are found by name and by id", "[cluster][topic_view]") {
  const auto& topics = some_topics();
  REQUIRE(topics.find("a"));
  CHECK(topics.find("a")->partitions == 5);
  REQUIRE(topics.find(uuid{0, 3}));
  CHECK(topics.find(uuid{0, 3})->name == "ab");
  CHECK_FALSE(topics.find("c"));
  CHECK_FALSE(topics.find(uuid{0, 9}));
  CHECK(topics.topics().front().name == "a");
}

TEST_CASE(
  "an expression matches whole names, in order", "[cluster][topic_regex]") {
  using names = std::vector<std::string>;
  CHECK(topics_matching("a.*", some_topics()) == names{"a", "ab"});
  CHECK(topics_matching("a", some_topics()) == names{"a"});
  CHECK(topics_matching("", some_topics()).empty());
  CHECK(topics_matching("a|b", some_topics()) == names{"a", "b"});
}

TEST_CASE("what RE2 cannot do is a fault that says why (R30)",
  "[cluster][topic_regex]") {
  CHECK(fault_of_regex("a+").empty());
  CHECK(fault_of_regex("(").find("missing )") != std::string::npos);
  CHECK_FALSE(fault_of_regex("(?=a)").empty());  // looking ahead
  CHECK_FALSE(fault_of_regex("(a)\\1").empty()); // referring back
  CHECK_FALSE(fault_of_regex("(((a{1,900}){1,900}){1,900})").empty());
  CHECK(topics_matching("(", some_topics()).empty());
}

TEST_CASE("an expression that would backtrack for ever takes no time (R30)",
  "[cluster][topic_regex]") {
  const topic_view topics{1, {{std::string(200, 'a') + "!", {0, 1}, 1}}};
  CHECK(topics_matching("(a+)+(b+)+", topics).empty());
  CHECK(topics_matching("(a|aa)+!", topics).size() == 1);
}

} // namespace millrace
