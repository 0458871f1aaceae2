#include "cluster/security_answers.hpp"
#include "schema/kafka_error.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr auto disabled = static_cast<int16_t>(kafka_error::security_disabled);

} // namespace

TEST_CASE("each thing that is asked about security is told that there is none",
  "[cluster][security]") {
  const auto described
    = answer_without_security(kafka::describe_acls_request{});
  CHECK(described.error_code == disabled);
  CHECK(described.error_message);
  CHECK(described.resources.empty());
  kafka::create_acls_request create;
  create.creations.resize(3);
  const auto created = answer_without_security(create);
  REQUIRE(created.results.size() == 3);
  CHECK(created.results[2].error_code == disabled);
  kafka::delete_acls_request remove;
  remove.filters.resize(2);
  const auto removed = answer_without_security(remove);
  REQUIRE(removed.filter_results.size() == 2);
  CHECK(removed.filter_results[1].error_code == disabled);
  CHECK(removed.filter_results[1].matching_acls.empty());
  const auto users
    = answer_without_security(kafka::describe_user_scram_credentials_request{});
  CHECK(users.error_code == disabled);
  CHECK(users.results.empty());
}

TEST_CASE("a user is told once", "[cluster][security]") {
  kafka::alter_user_scram_credentials_request alter;
  alter.deletions.push_back({"a", 1});
  alter.deletions.push_back({"b", 1});
  alter.upsertions.push_back({"a", 2, 4096, {}, {}});
  const auto altered = answer_without_security(alter);
  REQUIRE(altered.results.size() == 2);
  CHECK(altered.results[0].user == "a");
  CHECK(altered.results[1].user == "b");
  CHECK(altered.results[1].error_code == disabled);
}
