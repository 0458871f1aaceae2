#include "cluster/share_settings.hpp"
#include "tests/cluster/metadata_fixture.hpp"

#include <catch2/catch.hpp>

namespace millrace {

TEST_CASE(
  "durations are read as Java reads them", "[cluster][share_settings]") {
  CHECK(parse_duration_ms("PT1S") == 1'000);
  CHECK(parse_duration_ms("PT0.5S") == 500);
  CHECK(parse_duration_ms("P2DT3H4M5S")
        == ((int64_t{2} * 24 + 3) * 60 + 4) * 60'000 + 5'000);
  CHECK(parse_duration_ms("P1D") == 86'400'000);
  for (const auto* bad : {"", "P", "PT", "1S", "P1S", "PT1D", "P1DT", "PT1",
         "PT-1S", "PT1X", "PTS", "P1H", "PT1e300S"})
    CHECK_FALSE(parse_duration_ms(bad));
}

TEST_CASE("where a share group begins", "[cluster][share_settings]") {
  CHECK(
    parse_share_start("latest") == share_start{share_offset_reset::latest, 0});
  CHECK(parse_share_start("earliest")
        == share_start{share_offset_reset::earliest, 0});
  CHECK(parse_share_start("by_duration:PT1H")
        == share_start{share_offset_reset::by_duration, 3'600'000});
  CHECK_FALSE(parse_share_start("by_duration"));
  CHECK_FALSE(parse_share_start("by_duration:soon"));
  CHECK_FALSE(parse_share_start("first"));
}

TEST_CASE("a share group's own configuration comes first, then the nodes'",
  "[cluster][share_settings]") {
  test::controller c;
  node_config node;
  CHECK(share_settings_of("g", c.image(), node) == share_settings{});
  c.apply(configs_changed{config_resource::group, "g",
    {{"share.record.lock.duration.ms", "5000"},
      {"share.delivery.count.limit", "3"},
      {"share.auto.offset.reset", "earliest"},
      {"share.isolation.level", "read_committed"},
      {"share.renew.acknowledge.enable", "false"}}});
  node.set["group.share.partition.max.record.locks"] = "150";
  const auto own = share_settings_of("g", c.image(), node);
  CHECK(own.limits == share_limits{3, 150, 5'000});
  CHECK(own.reset == share_offset_reset::earliest);
  CHECK(own.read_committed);
  CHECK_FALSE(own.renews);
  CHECK(share_settings_of("other", c.image(), node).limits
        == share_limits{5, 150, 30'000});
}

} // namespace millrace
