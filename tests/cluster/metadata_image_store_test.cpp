#include "cluster/metadata_image_store.hpp"
#include "tests/cluster/metadata_fixture.hpp"

#include <map>

using namespace millrace;
using millrace::test::controller;

namespace {

using store = std::map<std::string, std::string>;

void write(store& to, const std::vector<image_write>& writes) {
  for (const auto& w : writes) {
    REQUIRE(w.key.size() <= 500);
    REQUIRE(w.key.substr(0, 2) == metadata_image_prefix);
    if (w.value)
      to[w.key] = *w.value;
    else
      to.erase(w.key);
  }
}

result<std::optional<metadata_image_loader::loaded>> load(const store& from) {
  metadata_image_loader loader;
  for (const auto& [key, value] : from)
    if (auto added = loader.add(key, value); !added)
      return added.error();
  return loader.finish();
}

const uuid log_id{3, 4};

} // namespace

TEST_CASE("an image comes back from its store with index, term and log (R21)",
  "[cluster][metadata_image_store]") {
  controller c{2};
  c.create("orders", 3, 2, {{"retention.ms", "1000"}});
  c.create(std::string(249, 'n'), 1, 1);
  c.apply(
    configs_changed{config_resource::broker, "", {{"message.max.bytes", "5"}}});
  // One name, three owners.
  for (const auto type : {config_resource::broker, config_resource::group,
         config_resource::client_metrics})
    c.apply(configs_changed{type, "1", {{"k", "v"}}});
  c.apply(producer_ids_allocated{{0}, 1000, {0}});
  c.apply(feature_level{"f", 2});
  c.apply(quotas_changed{{{{{quota_user, std::nullopt}}, {{"a", 1.5}}},
    {{{quota_user, "u"}, {quota_client_id, "c"}}, {{"a", 2.0}, {"b", 3.0}}}}});
  store s;
  write(s, all_image_writes(c.image(), log_id));
  const auto back = load(s);
  REQUIRE(back.ok());
  REQUIRE(back->has_value());
  CHECK((*back)->image == c.image());
  CHECK((*back)->log_id == log_id);
  CHECK((*back)->image.applied_index() == c.index);
  CHECK((*back)->image.partition_count() == 4);
}

TEST_CASE("writing what changed gives the same store as writing everything",
  "[cluster][metadata_image_store]") {
  controller c{2};
  metadata_image_changes changes;
  store incremental;
  size_t noted = 0;
  const auto commit = [&] {
    write(incremental, changes.take(c.image(), log_id));
    store whole;
    write(whole, all_image_writes(c.image(), log_id));
    CHECK(incremental == whole);
  };
  // Replays the log beside the controller, to note against each state.
  metadata_image replica;
  const auto note_all = [&] {
    for (; noted < c.log.size(); ++noted) {
      replica.apply(c.log[noted], static_cast<int64_t>(noted), 1);
      changes.note(c.log[noted], replica);
    }
  };
  note_all();
  commit();
  c.create("a", 2, 2);
  c.create("b", 1, 1);
  note_all();
  commit();
  SECTION("a restart touches what the broker leads") {
    c.register_one(0, 2);
    note_all();
    commit();
  }
  SECTION("a topic that came and went leaves nothing") {
    c.create("short-lived");
    c.apply(topic_deleted{c.image().find_topic("short-lived")->id});
    c.apply(topic_deleted{c.image().find_topic("a")->id});
    note_all();
    commit();
  }
  SECTION("configurations and partitions") {
    c.apply(
      configs_changed{config_resource::topic, "a", {{"retention.ms", "7"}}});
    c.apply(configs_changed{
      config_resource::broker, "1", {{"log.retention.ms", "7"}}});
    kafka::create_partitions_request request;
    request.topics.push_back({"b", 4, std::nullopt});
    c.ask(request);
    note_all();
    commit();
    c.apply(configs_changed{
      config_resource::broker, "1", {{"log.retention.ms", std::nullopt}}});
    c.apply(broker_fenced{{1}, c.image().find_broker({1})->broker_epoch, true});
    note_all();
    commit();
    c.apply(broker_removed{{1}});
    note_all();
    commit();
  }
}

TEST_CASE(
  "nothing applied, nothing written", "[cluster][metadata_image_store]") {
  metadata_image_changes changes;
  CHECK(changes.empty());
  CHECK(changes.take({}, log_id).empty());
}

TEST_CASE("a command that changes no topic still moves the applied index",
  "[cluster][metadata_image_store]") {
  metadata_image image;
  metadata_image_changes changes;
  image.apply(leadership_began{{0}}, 0, 1);
  changes.note(leadership_began{{0}}, image);
  const auto writes = changes.take(image, log_id);
  CHECK(writes.size() == 1);
  CHECK(changes.empty());
}

TEST_CASE("an empty store has no image", "[cluster][metadata_image_store]") {
  const auto back = load({});
  REQUIRE(back.ok());
  CHECK_FALSE(back->has_value());
}

TEST_CASE("a store without its head, or with strange pairs, is corrupt",
  "[cluster][metadata_image_store]") {
  controller c;
  c.create("t");
  store s;
  write(s, all_image_writes(c.image(), log_id));
  const auto refused = [](const store& damaged) {
    const auto back = load(damaged);
    return !back.ok() && back.error().code == errc::corrupt;
  };
  auto headless = s;
  headless.erase("m/h");
  CHECK(refused(headless));
  auto strange = s;
  strange["m/x"] = s["m/h"];
  CHECK(refused(strange));
  auto swapped = s;
  for (auto& [key, value] : swapped)
    if (key[2] == 'b')
      for (const auto& [other, topic] : s)
        if (other[2] == 't')
          value = topic;
  CHECK(refused(swapped));
  auto garbage = s;
  for (auto& [key, value] : garbage)
    if (key[2] == 't')
      value = "garbage!";
  CHECK(refused(garbage));
}
