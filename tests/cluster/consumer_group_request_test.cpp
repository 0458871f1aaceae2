#include "cluster/consumer_group_request.hpp"
#include "tests/cluster/consumer_group_host.hpp"

namespace millrace {

using namespace test;

namespace {

heartbeat_request join() {
  heartbeat_request r;
  r.group_id = "g";
  r.member_id = "m";
  r.rebalance_timeout_ms = 1'000;
  r.subscribed_topic_names.emplace();
  r.topic_partitions.emplace();
  return r;
}

kafka_error checked(const heartbeat_request& request, int16_t version = 1) {
  return check_heartbeat(request, version, {}).error;
}

} // namespace

TEST_CASE("a first heartbeat says all that there is to say",
  "[cluster][consumer_group_request]") {
  CHECK(checked(join()) == kafka_error::none);
  auto r = join();
  r.rebalance_timeout_ms = -1;
  CHECK(checked(r) == kafka_error::invalid_request);
  r = join();
  r.topic_partitions.reset();
  CHECK(checked(r) == kafka_error::invalid_request);
  r = join();
  r.topic_partitions->push_back({{0, 1}, {0}});
  CHECK(checked(r) == kafka_error::invalid_request);
  r = join();
  r.subscribed_topic_names.reset();
  CHECK(checked(r) == kafka_error::invalid_request);
  r.subscribed_topic_regex = "";
  CHECK(checked(r) == kafka_error::none);
}

TEST_CASE("ids are not empty", "[cluster][consumer_group_request]") {
  auto r = join();
  r.group_id = " ";
  CHECK(checked(r) == kafka_error::invalid_request);
  r = join();
  r.instance_id = "";
  CHECK(checked(r) == kafka_error::invalid_request);
  r = join();
  r.rack_id = "";
  CHECK(checked(r) == kafka_error::invalid_request);
  r = join();
  r.member_id = "";
  CHECK(checked(r) == kafka_error::invalid_request);
  CHECK(checked(r, 0) == kafka_error::none); // gets one
  r.member_epoch = 1;
  CHECK(checked(r, 0) == kafka_error::invalid_request);
}

TEST_CASE("epochs below 0 leave", "[cluster][consumer_group_request]") {
  auto r = join();
  r.member_epoch = -1;
  CHECK(checked(r) == kafka_error::none);
  r.member_epoch = -2;
  CHECK(checked(r) == kafka_error::invalid_request);
  r.instance_id = "i";
  CHECK(checked(r) == kafka_error::none);
  r.member_epoch = -3;
  CHECK(checked(r) == kafka_error::invalid_request);
}

TEST_CASE("assignors and expressions must be such",
  "[cluster][consumer_group_request]") {
  auto r = join();
  r.server_assignor = "range";
  CHECK(checked(r) == kafka_error::none);
  r.server_assignor = "sticky";
  const auto refusal = check_heartbeat(r, 1, {});
  CHECK(refusal.error == kafka_error::unsupported_assignor);
  CHECK(refusal.message
        == "ServerAssignor sticky is not supported. Supported assignors: "
           "uniform, range.");
  r = join();
  r.subscribed_topic_regex = "(";
  CHECK(checked(r) == kafka_error::invalid_regular_expression);
}

TEST_CASE("a member commits with its epoch, and what it has had for longer "
          "with an older one (KIP-1251)",
  "[cluster][consumer_group_request]") {
  pair_of_members g;
  auto& [host, a, b] = g;
  const auto commit = [&](const consumer_client& c, int32_t epoch,
                        const partition_set& what, int16_t version = 9) {
    return check_commit(host.group(), c.id, epoch, version, what).error;
  };
  REQUIRE(a.epoch == 3);
  CHECK(commit(a, 3, a.owned) == kafka_error::none);
  CHECK(commit(a, 2, a.owned) == kafka_error::none); // it had them in epoch 2
  CHECK(commit(a, 2, b.owned) == kafka_error::stale_member_epoch);
  CHECK(commit(b, 2, b.owned) == kafka_error::stale_member_epoch);
  CHECK(commit(a, 4, a.owned) == kafka_error::stale_member_epoch);
  CHECK(commit(a, -1, a.owned) == kafka_error::stale_member_epoch);
  CHECK(commit(a, 3, a.owned, 8) == kafka_error::unsupported_version);
  consumer_client stranger{host, "stranger"};
  CHECK(commit(stranger, 3, {}) == kafka_error::unknown_member_id);
  CHECK(commit(stranger, -1, {}) == kafka_error::unknown_member_id);
  a.leave();
  b.leave();
  CHECK(commit(stranger, -1, {}) == kafka_error::none); // nobody is there
}

TEST_CASE("a member fetches offsets with its epoch",
  "[cluster][consumer_group_request]") {
  consumer_group_host host;
  host.set_topic("t", 1);
  consumer_client a{host, "a"};
  a.beat();
  CHECK(check_fetch(host.group(), {}, -1).error == kafka_error::none);
  CHECK(check_fetch(host.group(), "a", 2).error == kafka_error::none);
  CHECK(
    check_fetch(host.group(), "a", 0).error == kafka_error::stale_member_epoch);
  CHECK(
    check_fetch(host.group(), "b", 1).error == kafka_error::unknown_member_id);
}

} // namespace millrace
