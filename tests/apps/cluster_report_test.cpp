#include "apps/cli/cluster_report.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::cli;

namespace {

/// Nodes 1 and 2 are live, 3 is down; topic `t` has one such partition.
cluster_facts facts_with(int32_t leader, std::vector<int32_t> isr) {
  cluster_facts facts;
  facts.nodes = {{1, "h1:9092", "r1", false}, {2, "h2:9092", "", false},
    {3, "h3:9092", "", true}};
  client::topic_info topic;
  topic.name = "t";
  topic.partitions.push_back({0, leader, 5, {1, 2, 3}, std::move(isr)});
  facts.topics.push_back(topic);
  return facts;
}

partition_trouble trouble(const cluster_facts& facts) {
  const auto report = report_on(facts);
  REQUIRE(report.troubles.size() == 1);
  return report.troubles.front();
}

} // namespace

TEST_CASE("a partition with all its replicas in sync is no trouble",
  "[apps][cluster_report]") {
  const auto report = report_on(facts_with(1, {1, 2, 3}));
  CHECK(report.troubles.empty());
  CHECK(report.partitions == 1);
  CHECK(report.counts.at(partition_health::in_sync) == 1);
  CHECK(report.serves());
}

TEST_CASE("a partition that lacks a replica says which node and why",
  "[apps][cluster_report]") {
  auto facts = facts_with(1, {1, 2});
  CHECK(trouble(facts).health == partition_health::under_replicated);
  CHECK(trouble(facts).why == "node 3 is down");
  CHECK(report_on(facts).serves());
  facts = facts_with(1, {1});
  CHECK(trouble(facts).why == "node 2 is catching up, node 3 is down");
  facts.nodes.pop_back();
  CHECK(
    trouble(facts).why == "node 2 is catching up, node 3 is not registered");
}

TEST_CASE(
  "too few replicas in sync refuse acks=all", "[apps][cluster_report]") {
  auto facts = facts_with(1, {1});
  facts.in_sync_min["t"] = 2;
  CHECK(trouble(facts).health == partition_health::refuses_acks_all);
  CHECK(trouble(facts).why
        == "node 2 is catching up, node 3 is down; acks=all waits for 2 in "
           "sync");
  CHECK_FALSE(report_on(facts).serves());
}

TEST_CASE("a partition without a leader says who must come back",
  "[apps][cluster_report]") {
  auto facts = facts_with(-1, {3});
  CHECK(trouble(facts).health == partition_health::offline);
  CHECK(trouble(facts).why
        == "node 3 is down: it alone has every acknowledged record");
  CHECK_FALSE(report_on(facts).serves());
  facts.nodes[0].fenced = true;
  facts.topics[0].partitions[0].isr = {1, 3};
  CHECK(trouble(facts).why
        == "node 1 is down, node 3 is down: one of them must come back");
}

TEST_CASE(
  "a partition whose log was cut says who must come back to compare with",
  "[apps][cluster_report]") {
  auto facts = facts_with(-1, {1, 3});
  CHECK(trouble(facts).why
        == "node 1 has had its log cut short by a crash; node 3 is down: it "
           "must come back to compare with");
  facts.topics[0].partitions[0].isr = {1, 2};
  CHECK(trouble(facts).why == "a leader is being chosen");
}

TEST_CASE("the worst comes first", "[apps][cluster_report]") {
  auto facts = facts_with(1, {1, 2});
  facts.topics[0].partitions.push_back({1, -1, 5, {3}, {3}});
  const auto report = report_on(facts);
  REQUIRE(report.troubles.size() == 2);
  CHECK(report.troubles[0].name.partition == 1);
  CHECK(topics_in_trouble(facts.topics) == std::vector<std::string>{"t"});
  CHECK(topics_in_trouble(facts_with(1, {1, 2, 3}).topics).empty());
}

TEST_CASE("a node's row counts what it leads and where it is behind",
  "[apps][cluster_report]") {
  auto facts = facts_with(1, {1, 2});
  facts.quorum = client::quorum_state{2, 7, 100,
    {{1, {}, true, 3, 0}, {2, {}, true, 0, 0}, {3, {}, false, 50, 9}}};
  CHECK(
    nodes_table(facts).to_text()
    == "NODE  ADDRESS  RACK  STATE   METADATA  LAG  LEADS  REPLICAS  BEHIND\n"
       "   1  h1:9092  r1    live    votes       3      1         1       0\n"
       "   2  h2:9092  -     live    leads       0      0         1       0\n"
       "   3  h3:9092  -     fenced  observes   50      0         1       1\n");
  CHECK(quorum_line(facts) == "node 2 leads, epoch 7, voters 1, 2");
  facts.quorum.reset();
  CHECK(quorum_line(facts)
        == "no answer from whoever leads it: most of the voters are needed");
}
