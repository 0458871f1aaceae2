#include "actors/mutation_quotas.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

client_quotas with_default(double rate) {
  client_quotas quotas;
  quotas.apply(
    {{{{{quota_user, std::nullopt}}, {{controller_mutation_rate, rate}}}}});
  return quotas;
}

} // namespace

TEST_CASE("each user has the default's changes for himself",
  "[actors][mutation_quotas]") {
  mutation_quotas all{quota_windows{}};
  const auto quotas = with_default(1);
  CHECK(all.of(quotas, {"a", "x"}, true, 0).take(20));
  CHECK_FALSE(all.of(quotas, {"a", "y"}, true, 0).take(1));
  CHECK(all.of(quotas, {"b", "x"}, true, 0).take(1));
  CHECK(all.of({}, {"a", "x"}, true, 0).take(1'000));
  // A higher rate makes good sooner: 9 are owed.
  CHECK_FALSE(all.of(with_default(3), {"a", ""}, true, 2'999).take(1));
  CHECK(all.of(with_default(3), {"a", ""}, true, 6'000).take(1));
}

TEST_CASE("clients know of refusals from Kafka 2.7's versions on",
  "[actors][mutation_quotas]") {
  CHECK_FALSE(refuses_beyond_quota<kafka::create_topics_request>(5));
  CHECK(refuses_beyond_quota<kafka::create_topics_request>(6));
  CHECK_FALSE(refuses_beyond_quota<kafka::delete_topics_request>(4));
  CHECK(refuses_beyond_quota<kafka::delete_topics_request>(5));
  CHECK_FALSE(refuses_beyond_quota<kafka::create_partitions_request>(2));
  CHECK(refuses_beyond_quota<kafka::create_partitions_request>(3));
}
