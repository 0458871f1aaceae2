#include "cluster/config_topic.hpp"
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;
using millrace::test::controller;

namespace {

const config_key& topic_key(const char* name) {
  return *find_config_key(config_scope::topic, name);
}

described_config described(const char* name, const config_map& overrides,
  const metadata_image& image, const node_config& node) {
  return describe_config(
    topic_key(name), overrides, config_source::dynamic_topic, image, node);
}

} // namespace

TEST_CASE(
  "a topic without overrides has Kafka's defaults", "[cluster][config_topic]") {
  const auto c = effective_topic_config({}, test::node(), "t");
  CHECK(c.retention_ms == 7ll * 24 * 3600 * 1000);
  CHECK(c.retention_bytes == -1);
  CHECK(c.segment_bytes == 1 << 30);
  CHECK(c.segment_ms == 7ll * 24 * 3600 * 1000);
  CHECK(c.index_interval_bytes == 4096);
  CHECK(c.message_bytes_max == 1'048'588);
  CHECK_FALSE(c.log_append_time);
  CHECK(c.compression_type == "producer");
  CHECK(c.cleanup_delete);
  CHECK_FALSE(c.cleanup_compact);
  CHECK(c.flush_ms == INT64_MAX);
  CHECK(c.durability == durability_mode::fsync);
  CHECK(c.min_insync_replicas == 1);
}

TEST_CASE("an override wins over the broker's, and that over all brokers'",
  "[cluster][config_topic]") {
  metadata_image image;
  auto node = test::node({{"log.retention.ms", "1"}});
  const auto retention = [&](const config_map& overrides) {
    const auto c = effective_topic_config(overrides, image, node);
    const auto d = described("retention.ms", overrides, image, node);
    CHECK(d.value == std::to_string(c.retention_ms));
    return std::pair{c.retention_ms, d.source};
  };
  CHECK(retention({}) == std::pair{int64_t{1}, config_source::static_broker});
  image.apply(
    configs_changed{config_resource::broker, "", {{"log.retention.ms", "2"}}},
    0, 0);
  CHECK(retention({})
        == std::pair{int64_t{2}, config_source::dynamic_default_broker});
  image.apply(
    configs_changed{config_resource::broker, "0", {{"log.retention.ms", "3"}}},
    1, 0);
  CHECK(retention({}) == std::pair{int64_t{3}, config_source::dynamic_broker});
  CHECK(retention({{"retention.ms", "4"}})
        == std::pair{int64_t{4}, config_source::dynamic_topic});
}

TEST_CASE("another broker's dynamic configuration does not count here",
  "[cluster][config_topic]") {
  metadata_image image;
  image.apply(
    configs_changed{config_resource::broker, "1", {{"log.retention.ms", "2"}}},
    0, 0);
  CHECK(effective_topic_config({}, image, test::node()).retention_ms
        == 604'800'000);
}

TEST_CASE("hours and minutes become milliseconds, the finer one winning",
  "[cluster][config_topic]") {
  const auto retention = [](std::map<std::string, std::string> set) {
    return effective_topic_config({}, test::node(std::move(set)), "t")
      .retention_ms;
  };
  CHECK(retention({{"log.retention.hours", "2"}}) == 7'200'000);
  CHECK(
    retention({{"log.retention.hours", "2"}, {"log.retention.minutes", "3"}})
    == 180'000);
  CHECK(retention({{"log.retention.minutes", "3"}, {"log.retention.ms", "4"}})
        == 4);
  CHECK(retention({{"log.retention.hours", "-1"}}) == -1);
  CHECK(effective_topic_config({}, test::node({{"log.roll.hours", "1"}}), "t")
          .segment_ms
        == 3'600'000);
}

TEST_CASE("synonyms name every place that has a value, the winner first (C9)",
  "[cluster][config_topic]") {
  metadata_image image;
  image.apply(configs_changed{config_resource::broker, "",
                {{"log.segment.bytes", "2000000"}}},
    0, 0);
  const auto node = test::node({{"log.segment.bytes", "3000000"}});
  const auto d
    = described("segment.bytes", {{"segment.bytes", "1048576"}}, image, node);
  REQUIRE(d.synonyms.size() == 4);
  CHECK(d.synonyms[0].name == "segment.bytes");
  CHECK(d.synonyms[0].source == config_source::dynamic_topic);
  CHECK(d.synonyms[1].name == "log.segment.bytes");
  CHECK(d.synonyms[1].source == config_source::dynamic_default_broker);
  CHECK(d.synonyms[2].source == config_source::static_broker);
  CHECK(d.synonyms[2].value == "3000000");
  CHECK(d.synonyms[3].source == config_source::default_value);
  CHECK(d.synonyms[3].value == "1073741824");
}

TEST_CASE("a synonym of other units is shown behind the key itself, as it is",
  "[cluster][config_topic]") {
  const auto d = described("retention.ms", {}, {},
    test::node({{"log.retention.ms", "5"}, {"log.retention.hours", "2"}}));
  CHECK(d.value == "5");
  CHECK(d.source == config_source::static_broker);
  REQUIRE(d.synonyms.size() == 3);
  CHECK(d.synonyms[0].name == "log.retention.ms");
  CHECK(d.synonyms[1].name == "log.retention.hours");
  CHECK(d.synonyms[1].value == "2");
  CHECK(d.synonyms[2].name == "log.retention.hours");
  CHECK(d.synonyms[2].source == config_source::default_value);
  CHECK(d.synonyms[2].value == "168");
}

TEST_CASE("other units alone give a value and are no synonym",
  "[cluster][config_topic]") {
  const auto by_default = described("retention.ms", {}, {}, test::node());
  CHECK(by_default.value == "604800000");
  CHECK(by_default.source == config_source::default_value);
  CHECK(by_default.synonyms.empty());
  const auto set = described(
    "retention.ms", {}, {}, test::node({{"log.retention.hours", "2"}}));
  CHECK(set.value == "7200000");
  CHECK(set.source == config_source::default_value);
  CHECK(set.synonyms.empty());
}

TEST_CASE(
  "a topic's value is shown as it is understood", "[cluster][config_topic]") {
  const auto shown = [](const char* key, const char* value) {
    const auto d = described(key, {{key, value}}, {}, test::node());
    CHECK(d.synonyms.front().value == d.value);
    return *d.value;
  };
  CHECK(shown("preallocate", " TRUE ") == "true");
  CHECK(shown("retention.ms", " +5") == "5");
  CHECK(shown("min.cleanable.dirty.ratio", "0") == "0.0");
  CHECK(shown("min.cleanable.dirty.ratio", "5e-1") == "0.5");
}

TEST_CASE("a broker's key that only a fallback has stays without a value",
  "[cluster][config_topic]") {
  const auto d = describe_broker_config(
    *find_config_key(config_scope::broker, "log.retention.ms"), {},
    test::node());
  CHECK_FALSE(d.value);
  CHECK(d.source == config_source::default_value);
  CHECK(d.synonyms.empty());
}

TEST_CASE("every typed value follows its key", "[cluster][config_topic]") {
  const config_map overrides{{"retention.ms", "1"}, {"retention.bytes", "2"},
    {"segment.bytes", "1048577"}, {"segment.ms", "4"},
    {"segment.jitter.ms", "5"}, {"segment.index.bytes", "6"},
    {"index.interval.bytes", "7"}, {"max.message.bytes", "8"},
    {"message.timestamp.type", "LogAppendTime"},
    {"message.timestamp.before.max.ms", "9"},
    {"message.timestamp.after.max.ms", "10"}, {"min.insync.replicas", "11"},
    {"compression.type", "zstd"}, {"compression.gzip.level", "2"},
    {"compression.lz4.level", "3"}, {"compression.zstd.level", "-4"},
    {"cleanup.policy", "compact"}, {"flush.messages", "12"}, {"flush.ms", "13"},
    {"file.delete.delay.ms", "14"}, {"preallocate", "true"},
    {"unclean.leader.election.enable", "true"},
    {"millrace.durability", "fsync-always"},
    {"leader.replication.throttled.replicas", "0:1"},
    {"follower.replication.throttled.replicas", "0:2"},
    {"delete.retention.ms", "15"}, {"min.compaction.lag.ms", "16"},
    {"max.compaction.lag.ms", "17"}, {"min.cleanable.dirty.ratio", "0.25"}};
  for (const auto& key : topic_config_keys())
    if (key.supported)
      CHECK(overrides.count(key.name) == 1);
  const auto c = effective_topic_config(overrides, {}, test::node());
  CHECK(c.retention_ms == 1);
  CHECK(c.retention_bytes == 2);
  CHECK(c.segment_bytes == 1'048'577);
  CHECK(c.segment_ms == 4);
  CHECK(c.segment_jitter_ms == 5);
  CHECK(c.segment_index_bytes == 6);
  CHECK(c.index_interval_bytes == 7);
  CHECK(c.message_bytes_max == 8);
  CHECK(c.log_append_time);
  CHECK(c.timestamp_before_ms_max == 9);
  CHECK(c.timestamp_after_ms_max == 10);
  CHECK(c.min_insync_replicas == 11);
  CHECK(c.compression_type == "zstd");
  CHECK(c.gzip_level == 2);
  CHECK(c.lz4_level == 3);
  CHECK(c.zstd_level == -4);
  CHECK_FALSE(c.cleanup_delete);
  CHECK(c.cleanup_compact);
  CHECK(c.delete_retention_ms == 15);
  CHECK(c.min_compaction_lag_ms == 16);
  CHECK(c.max_compaction_lag_ms == 17);
  CHECK(c.min_cleanable_dirty_ratio == 0.25);
  CHECK(c.flush_messages == 12);
  CHECK(c.flush_ms == 13);
  CHECK(c.file_delete_delay_ms == 14);
  CHECK(c.preallocate);
  CHECK(c.unclean_leader_election);
  CHECK(c.durability == durability_mode::fsync_always);
  CHECK(c.throttled_leaders.contains(0, node_id{1}));
  CHECK_FALSE(c.throttled_leaders.contains(0, node_id{2}));
  CHECK(c.throttled_followers.contains(0, node_id{2}));
}

TEST_CASE("a topic may be compacted, with lags that do not contradict",
  "[cluster][config_topic]") {
  CHECK_FALSE(why_not_topic_configs({{"cleanup.policy", "delete,compact"}}));
  CHECK_FALSE(why_not_topic_configs(
    {{"min.compaction.lag.ms", "5"}, {"max.compaction.lag.ms", "5"}}));
  CHECK_THAT(why_not_topic_configs(
               {{"min.compaction.lag.ms", "6"}, {"max.compaction.lag.ms", "5"}})
               .value_or(""),
    Catch::Contains("min.compaction.lag.ms (6) > max.compaction.lag.ms (5)"));
  CHECK(why_not_topic_configs({{"min.cleanable.dirty.ratio", "1.1"}}));
  CHECK(why_not_topic_configs({{"min.cleanable.dirty.ratio", "-0.1"}}));
  CHECK_FALSE(why_not_topic_configs({{"min.cleanable.dirty.ratio", "1"}}));
}
