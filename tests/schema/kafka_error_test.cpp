#include "schema/kafka_error.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace millrace;

namespace {

const std::string unlisted = "UNLISTED_ERROR";

} // namespace

TEST_CASE("every code has a name of its own", "[schema][kafka_error]") {
  std::set<std::string> names;
  for (int16_t code = -1; code <= 120; ++code)
    CHECK(names.insert(to_string(static_cast<kafka_error>(code))).second);
  CHECK_FALSE(names.contains(unlisted));
}

TEST_CASE("a code that nobody gave has the stand-in for a name",
  "[schema][kafka_error]") {
  CHECK(to_string(static_cast<kafka_error>(-2)) == unlisted);
  CHECK(to_string(static_cast<kafka_error>(999)) == unlisted);
  CHECK_FALSE(is_retriable(static_cast<kafka_error>(999)));
}

TEST_CASE("what passes by itself is retriable and what does not is not",
  "[schema][kafka_error]") {
  CHECK(is_retriable(kafka_error::not_leader_or_follower));
  CHECK(is_retriable(kafka_error::unknown_topic_or_partition));
  CHECK(is_retriable(kafka_error::coordinator_load_in_progress));
  CHECK_FALSE(is_retriable(kafka_error::none));
  CHECK_FALSE(is_retriable(kafka_error::message_too_large));
  CHECK_FALSE(is_retriable(kafka_error::out_of_order_sequence_number));
  // As in the Java client, where it is no RetriableException.
  CHECK_FALSE(is_retriable(kafka_error::new_leader_elected));
}
