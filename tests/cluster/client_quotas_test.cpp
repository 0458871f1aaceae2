#include "cluster/client_quotas.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

const std::optional<std::string> any;

quotas_changed::entity_quotas one(quota_entity entity, double value) {
  return {std::move(entity), {{producer_byte_rate, value}}};
}

client_quotas with(std::vector<quotas_changed::entity_quotas> entities) {
  client_quotas quotas;
  quotas.apply({std::move(entities)});
  return quotas;
}

double rate_of(const client_quotas& quotas, std::string_view key,
  const quota_client& client) {
  const auto found = quotas.find(key, client);
  return found ? found->rate : 0;
}

} // namespace

TEST_CASE("the most specific quota that there is holds, in Kafka's order "
          "(KIP-55)",
  "[cluster][client_quotas]") {
  // By rank; each is worth its own rank. Only these names match any.
  const std::vector<quotas_changed::entity_quotas> ranked{
    one({{quota_user, "u"}, {quota_client_id, "c"}}, 1),
    one({{quota_user, "u"}, {quota_client_id, any}}, 2),
    one({{quota_user, "u"}}, 3),
    one({{quota_user, any}, {quota_client_id, "c"}}, 4),
    one({{quota_user, any}, {quota_client_id, any}}, 5),
    one({{quota_user, any}}, 6),
    one({{quota_client_id, "c"}}, 7),
    one({{quota_client_id, any}}, 8),
  };
  for (size_t first = 0; first < ranked.size(); ++first) {
    const auto quotas
      = with({ranked.begin() + static_cast<ptrdiff_t>(first), ranked.end()});
    CHECK(rate_of(quotas, producer_byte_rate, {"u", "c"})
          == static_cast<double>(first + 1));
    CHECK_FALSE(quotas.find(consumer_byte_rate, {"u", "c"}));
  }
  CHECK_FALSE(client_quotas{}.find(producer_byte_rate, {"u", "c"}));
  const auto all = with(ranked);
  CHECK(rate_of(all, producer_byte_rate, {"u", "x"}) == 2);
  CHECK(rate_of(all, producer_byte_rate, {"x", "c"}) == 4);
  CHECK(rate_of(all, producer_byte_rate, {"x", "x"}) == 5);
}

TEST_CASE("whoever a quota names shares it, and nobody else",
  "[cluster][client_quotas]") {
  const auto sharers = [](quota_entity entity) {
    const auto found
      = with({one(std::move(entity), 1)}).find(producer_byte_rate, {"u", "c"});
    REQUIRE(found);
    return std::pair{found->user, found->client_id};
  };
  using pair
    = std::pair<std::optional<std::string>, std::optional<std::string>>;
  // A default is not shared: each user or client id has it for itself.
  CHECK(sharers({{quota_user, "u"}}) == pair{"u", any});
  CHECK(sharers({{quota_user, any}}) == pair{"u", any});
  CHECK(sharers({{quota_client_id, "c"}}) == pair{any, "c"});
  CHECK(sharers({{quota_client_id, any}}) == pair{any, "c"});
  CHECK(sharers({{quota_user, "u"}, {quota_client_id, any}}) == pair{"u", "c"});
  CHECK(sharers({{quota_user, any}, {quota_client_id, "c"}}) == pair{"u", "c"});
}

TEST_CASE("a quota of one key does not hide one of another key",
  "[cluster][client_quotas]") {
  client_quotas quotas;
  quotas.apply({{{{{quota_user, "u"}}, {{consumer_byte_rate, 1.0}}},
    {{{quota_client_id, "c"}}, {{producer_byte_rate, 2.0}}}}});
  CHECK(rate_of(quotas, consumer_byte_rate, {"u", "c"}) == 1);
  CHECK(rate_of(quotas, producer_byte_rate, {"u", "c"}) == 2);
}

TEST_CASE("an address has its own connection rate, or that of all",
  "[cluster][client_quotas]") {
  client_quotas quotas;
  quotas.apply({{{{{quota_ip, "10.0.0.1"}}, {{connection_creation_rate, 5}}}}});
  CHECK(quotas.connection_rate("10.0.0.1") == 5);
  CHECK_FALSE(quotas.connection_rate("10.0.0.2"));
  quotas.apply({{{{{quota_ip, any}}, {{connection_creation_rate, 7}}}}});
  CHECK(quotas.connection_rate("10.0.0.1") == 5);
  CHECK(quotas.connection_rate("10.0.0.2") == 7);
}

TEST_CASE("an entity without values is none", "[cluster][client_quotas]") {
  auto quotas = with({one({{quota_user, "u"}}, 1)});
  quotas.apply({{{{{quota_user, "u"}}, {{producer_byte_rate, std::nullopt}}}}});
  CHECK(quotas.empty());
  quotas.apply({{{{{quota_user, "u"}}, {{producer_byte_rate, std::nullopt}}}}});
  CHECK(quotas.empty());
}

TEST_CASE("the difference of two tables leads from one to the other",
  "[cluster][client_quotas]") {
  const auto before = with({one({{quota_user, "same"}}, 1),
    one({{quota_user, "changed"}}, 1), one({{quota_user, "gone"}}, 1)});
  const auto after = with({one({{quota_user, "same"}}, 1),
    one({{quota_user, "changed"}}, 2), one({{quota_ip, any}}, 1)});
  const auto change = difference(before, after);
  CHECK(change.entities.size() == 3);
  auto led = before;
  led.apply(change);
  CHECK(led == after);
  CHECK(difference(after, after).entities.empty());
}
