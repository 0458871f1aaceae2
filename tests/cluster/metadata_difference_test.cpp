#include "cluster/metadata_difference.hpp"
#include "cluster/metadata_image_store.hpp"
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;
using millrace::test::controller;

namespace {

/// `from` after a jump to `to`, as a subscriber sees it.
metadata_image jumped(metadata_image from, const metadata_image& to) {
  for (const auto& command : difference(from, to))
    from.apply_part(command);
  from.change_members(
    to.configuration(), to.applied_index(), to.applied_term());
  return from;
}

} // namespace

TEST_CASE("a jump leads to the same image as the commands in between",
  "[cluster][metadata_difference]") {
  controller c{3};
  c.create("kept", 3, 2, {{"retention.ms", "1000"}});
  c.create("gone", 2, 1);
  c.create("again", 2, 2);
  c.apply(quotas_changed{{{{{quota_user, "kept"}}, {{"a", 1.0}, {"b", 2.0}}},
    {{{quota_user, "gone"}}, {{"a", 1.0}, {"b", 2.0}}}}});
  const auto before = c.image();
  CHECK(difference(before, before).empty());
  const auto deleted = [&](const char* name) {
    c.apply(topic_deleted{c.image().find_topic(name)->id});
  };
  deleted("gone");
  deleted("again");
  c.create("again", 1, 1);
  c.create("new", 4, 3);
  c.apply(configs_changed{config_resource::topic, "kept",
    {{"retention.ms", std::nullopt}, {"segment.bytes", "2000000"}}});
  c.apply(
    configs_changed{config_resource::broker, "", {{"message.max.bytes", "5"}}});
  c.apply(configs_changed{config_resource::group, "g", {{"k", "v"}}});
  auto moved = c.image().find_topic("kept")->partitions[1];
  ++moved.epoch.value;
  ++moved.partition_epoch;
  moved.leader = moved.replicas.back();
  c.apply(partition_changed{c.image().find_topic("kept")->id, moved});
  auto added = moved;
  added.index = 3;
  c.apply(partitions_added{c.image().find_topic("kept")->id, {added}});
  // Its start renews the epochs of all that it leads (R7).
  const auto broker = c.image().brokers().begin()->second;
  c.apply(broker_registered{broker.id, {9, 9}, broker.directories,
    broker.endpoints, broker.rack, c.image().next_broker_epoch(), false});
  c.apply(producer_ids_allocated{{0}, 1000, {0}});
  c.apply(feature_level{"f", 2});
  c.apply(quotas_changed{{{{{quota_user, "kept"}}, {{"a", 3.0}}},
    {{{quota_user, "gone"}}, {{"a", std::nullopt}, {"b", std::nullopt}}},
    {{{quota_client_id, "new"}}, {{"a", 4.0}}}}});
  CHECK(c.image().quotas()->all().size() == 2);
  CHECK(jumped(before, c.image()) == c.image());
  // From nothing at all, and back to it over the wire.
  CHECK(jumped({}, c.image()) == c.image());
  const auto back = decode_image(encode_image(c.image()));
  REQUIRE(back.ok());
  CHECK(*back == c.image());
}

TEST_CASE("a snapshot of the metadata that was cut is corrupt",
  "[cluster][metadata_difference]") {
  controller c{2};
  c.create("orders", 3, 2);
  const auto whole = encode_image(c.image());
  for (size_t size = 0; size < whole.size(); size += 8)
    CHECK_FALSE(decode_image(whole.slice(0, size)).ok());
}
