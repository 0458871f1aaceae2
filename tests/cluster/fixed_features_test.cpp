#include "cluster/fixed_features.hpp"
#include "schema/kafka_error.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace millrace;

namespace {

constexpr int8_t upgrade = 1;
constexpr int8_t safe_downgrade = 2;

kafka::update_features_response update(const std::string& feature,
  int16_t level, int8_t type = upgrade, int16_t version = 2) {
  kafka::update_features_request request;
  request.feature_updates.push_back({feature, level, false, type});
  return answer_update_features(version, request);
}

constexpr auto invalid
  = static_cast<int16_t>(kafka_error::invalid_update_version);

} // namespace

TEST_CASE("a feature stays at its level, and says so", "[cluster][features]") {
  for (const auto& feature : fixed_features()) {
    const auto same = update(feature.name, feature.level);
    CHECK(same.error_code == 0);
    CHECK_FALSE(same.error_message);
    const auto lower
      = static_cast<int16_t>(feature.level + GENERATE(-1, 1, -30'000));
    const auto refused = update(feature.name, lower, safe_downgrade);
    CHECK(refused.error_code == invalid);
    REQUIRE(refused.error_message);
    CHECK(refused.error_message->find(feature.name) != std::string::npos);
    CHECK(refused.error_message->find(std::to_string(feature.level))
          != std::string::npos);
  }
}

TEST_CASE(
  "what is no feature and no upgrade is refused", "[cluster][features]") {
  CHECK(update("metadata.version", 30).error_code == invalid);
  CHECK(update("", 1).error_code == invalid);
  CHECK(update("group.version", 1, 0).error_code == invalid);
  CHECK(update("group.version", 1, 4).error_code == invalid);
  // Version 0 has no upgrade type.
  CHECK(update("group.version", 1, 0, 0).error_code == 0);
}

TEST_CASE("one feature that is refused refuses the whole request",
  "[cluster][features]") {
  kafka::update_features_request request;
  request.feature_updates.push_back({"group.version", 1});
  request.feature_updates.push_back({"transaction.version", 2});
  const auto taken = answer_update_features(1, request);
  CHECK(taken.error_code == 0);
  REQUIRE(taken.results.size() == 2);
  CHECK(taken.results[1].feature == "transaction.version");
  request.feature_updates.push_back({"transaction.version", 1});
  const auto refused = answer_update_features(1, request);
  CHECK(refused.error_code == invalid);
  CHECK(refused.results.empty());
}
