#include "cluster/topic_rules.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("letters, digits, dots, dashes and underscores make a topic's name",
  "[cluster][topic_rules]") {
  for (const char* name : {"a", "A-z_0.9", "...", "__consumer_offsets", "-"})
    CHECK_FALSE(why_not_topic_name(name));
  CHECK_FALSE(why_not_topic_name(std::string(249, 'x')));
}

TEST_CASE(
  "what Kafka refuses as a topic's name is refused", "[cluster][topic_rules]") {
  for (const auto& name : {std::string{}, std::string{"."}, std::string{".."},
         std::string(250, 'x'), std::string{"a b"}, std::string{"a/b"},
         std::string{"\xc3\xa4"}, std::string{"a\0b", 3}, std::string{"a:b"}})
    CHECK(why_not_topic_name(name));
  CHECK_THAT(*why_not_topic_name("a b"), Catch::Contains("'a b'"));
  CHECK_THAT(*why_not_topic_name(std::string(250, 'x')),
    Catch::Contains("max allowed length 249"));
}

TEST_CASE("a dot and an underscore look alike to metrics (C9)",
  "[cluster][topic_rules]") {
  CHECK(metric_name_of("a.b_c") == metric_name_of("a_b.c"));
  CHECK(metric_name_of("a-b") != metric_name_of("a_b"));
}
