#include "simulation/cluster_admin.hpp"

#include "schema/kafka/alter_partition_reassignments.hpp"
#include "schema/kafka/create_partitions.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/delete_topics.hpp"
#include "schema/kafka/elect_leaders.hpp"
#include "schema/kafka/incremental_alter_configs.hpp"
#include "schema/kafka/metadata.hpp"
#include "schema/kafka_error.hpp"

#include <algorithm>
#include <numeric>

namespace millrace {

namespace {

using kafka::api_key;

constexpr size_t topics_max = 4;

} // namespace

cluster_admin::cluster_admin(cluster_clients& all, int16_t replication_factor)
    : all_(all), client_(all), replication_factor_(replication_factor) {}

void cluster_admin::create(
  const std::string& name, int32_t partitions, std::function<void(bool)> done) {
  kafka::create_topics_request request;
  request.timeout_ms = 5000;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = replication_factor_;
  topic.configs.push_back({"segment.ms", some_segment_ms(all_.world)});
  client_.request<kafka::create_topics_response>(client_.any_node(),
    api_key::create_topics, 7, request,
    [this, done = std::move(done)](
      const kafka::create_topics_response* response) {
      auto code = kafka_error::network_exception;
      if (response != nullptr && !response->topics.empty()) {
        code = static_cast<kafka_error>(response->topics.front().error_code);
        last_answer_ = response->topics.front().error_message.value_or("");
      }
      last_answer_
        = std::string{"CreateTopics: "} + to_string(code) + " " + last_answer_;
      done(
        code == kafka_error::none || code == kafka_error::topic_already_exists);
    });
}

void cluster_admin::make_topic(
  const std::string& name, std::function<void()> done) {
  create(name, all_.partitions, [this, name, done = std::move(done)](bool ok) {
    if (ok) {
      topics_[name] = {fate::there, all_.partitions, all_.partitions};
      kept_.push_back(name);
      done();
      return;
    }
    all_.later(300, [this, name, done] {
      make_topic(name, done);
    });
  });
}

const std::string& cluster_admin::some_kept() {
  return kept_[all_.world.random(kept_.size())];
}

void cluster_admin::start() {
  if (all_.stopping) {
    idle_ = true;
    return;
  }
  all_.later(3000, [this] {
    act();
  });
}

void cluster_admin::acted(bool known, const std::string& what) {
  last_answer_ = what;
  if (known) {
    ++actions_;
    ++all_.acknowledged;
  }
  start();
}

void cluster_admin::act() {
  if (all_.stopping) {
    idle_ = true;
    return;
  }
  idle_ = false;
  std::vector<std::string> there;
  for (const auto& [name, state] : topics_)
    if (state.is == fate::there
        && std::find(kept_.begin(), kept_.end(), name) == kept_.end())
      there.push_back(name);
  if (all_.cluster.size() > replication_factor_ && all_.world.random(3) == 0) {
    // The run's own topics, where the records are, more often than others.
    const auto at = all_.world.random(2 * there.size() + 2);
    if (all_.world.random(4) == 0)
      elect();
    else
      reassign(at < there.size() ? there[at] : some_kept());
    return;
  }
  if (all_.world.random(4) == 0) {
    configure(all_.world.random(3) == 0
                ? broker_config_change(
                    all_.world, all_.cluster.size(), replication_factor_)
                : topic_config_change(
                    all_.world, some_kept(), replication_factor_, true));
    return;
  }
  if (there.size() < topics_max && all_.world.random(2) == 0) {
    const auto name = "other-" + std::to_string(next_name_++);
    topics_[name] = {fate::unknown, 0, 2};
    create(name, 2, [this, name](bool ok) {
      if (ok)
        topics_[name] = {fate::there, 2, 2};
      acted(ok, last_answer_);
    });
    return;
  }
  if (there.empty()) {
    configure(
      topic_config_change(all_.world, some_kept(), replication_factor_, true));
    return;
  }
  const auto& name = there[all_.world.random(there.size())];
  switch (all_.world.random(3)) {
  case 0:
    remove(name);
    break;
  case 1:
    widen(name);
    break;
  default:
    configure(
      topic_config_change(all_.world, name, replication_factor_, false));
  }
}

void cluster_admin::remove(const std::string& name) {
  topics_[name].is = fate::unknown;
  kafka::delete_topics_request request;
  request.timeout_ms = 5000;
  request.topics.emplace_back().name = name;
  client_.request<kafka::delete_topics_response>(client_.any_node(),
    api_key::delete_topics, 6, request,
    [this, name](const kafka::delete_topics_response* response) {
      const bool ok = response != nullptr && !response->responses.empty()
                      && response->responses.front().error_code == 0;
      if (ok)
        topics_[name].is = fate::gone;
      acted(ok, "DeleteTopics");
    });
}

void cluster_admin::widen(const std::string& name) {
  auto& state = topics_[name];
  const auto count = ++state.partitions_max;
  kafka::create_partitions_request request;
  request.timeout_ms = 5000;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.count = count;
  topic.assignments.reset();
  client_.request<kafka::create_partitions_response>(client_.any_node(),
    api_key::create_partitions, 2, request,
    [this, name, count](const kafka::create_partitions_response* response) {
      const bool ok = response != nullptr && !response->results.empty()
                      && response->results.front().error_code == 0;
      if (ok)
        topics_[name].partitions_min = count;
      acted(ok, "CreatePartitions");
    });
}

void cluster_admin::configure(const admin_config_change& change) {
  constexpr int8_t set = 0;
  constexpr int8_t remove = 1;
  kafka::incremental_alter_configs_request request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = change.resource_type;
  resource.resource_name = change.resource;
  auto& config = resource.configs.emplace_back();
  config.name = change.key;
  config.config_operation = change.value ? set : remove;
  config.value = change.value;
  client_.request<kafka::incremental_alter_configs_response>(client_.any_node(),
    api_key::incremental_alter_configs, 1, request,
    [this, change](const kafka::incremental_alter_configs_response* response) {
      const bool ok = response != nullptr && !response->responses.empty()
                      && response->responses.front().error_code == 0;
      config_changes_ += ok ? 1 : 0;
      acted(ok, "IncrementalAlterConfigs of " + change.key);
    });
}

/// Other replicas for a partition; now and then back to those of before.
void cluster_admin::reassign(const std::string& name) {
  kafka::alter_partition_reassignments_request request;
  request.timeout_ms = 5000;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  auto& p = topic.partitions.emplace_back();
  p.partition_index = static_cast<int32_t>(
    all_.world.random(static_cast<uint64_t>(topics_[name].partitions_min)));
  if (all_.world.random(8) != 0) {
    std::vector<int32_t> nodes(static_cast<size_t>(all_.cluster.size()));
    std::iota(nodes.begin(), nodes.end(), 1);
    for (size_t i = 0; i < nodes.size(); ++i)
      std::swap(nodes[i], nodes[i + all_.world.random(nodes.size() - i)]);
    nodes.resize(static_cast<size_t>(replication_factor_));
    p.replicas = std::move(nodes);
  }
  client_.request<kafka::alter_partition_reassignments_response>(
    client_.any_node(), api_key::alter_partition_reassignments, 0, request,
    [this](const kafka::alter_partition_reassignments_response* response) {
      const bool ok
        = response != nullptr && response->error_code == 0
          && !response->responses.empty()
          && response->responses.front().partitions.front().error_code == 0;
      reassignments_ += ok ? 1 : 0;
      acted(ok, "AlterPartitionReassignments");
    });
}

/// Whoever comes first among the replicas leads again.
void cluster_admin::elect() {
  kafka::elect_leaders_request request;
  request.timeout_ms = 5000;
  request.topic_partitions.reset();
  client_.request<kafka::elect_leaders_response>(client_.any_node(),
    api_key::elect_leaders, 2, request,
    [this](const kafka::elect_leaders_response* response) {
      acted(response != nullptr && response->error_code == 0, "ElectLeaders");
    });
}

void cluster_admin::check(std::function<void()> done) {
  check_node(0, std::move(done));
}

std::string cluster_admin::difference(
  const std::map<std::string, int32_t>& seen) const {
  for (const auto& [name, state] : topics_) {
    const auto at = seen.find(name);
    if (state.is == fate::there && at == seen.end())
      return name + " is not there";
    if (state.is == fate::gone && at != seen.end())
      return name + " is there again";
    if (state.is == fate::there
        && (at->second < state.partitions_min
            || at->second > state.partitions_max))
      return name + " has " + std::to_string(at->second) + " partitions, not "
             + std::to_string(state.partitions_min) + " to "
             + std::to_string(state.partitions_max);
  }
  return {};
}

/// Again and again until it is as it must be: who is late catches up, who is
/// wrong does not.
void cluster_admin::check_node(int32_t node, std::function<void()> done) {
  if (node == all_.cluster.size()) {
    done();
    return;
  }
  kafka::metadata_request request;
  request.topics.reset();
  request.allow_auto_topic_creation = false;
  client_.request<kafka::metadata_response>(node, api_key::metadata, 12,
    request,
    [this, node, done = std::move(done)](
      const kafka::metadata_response* response) {
      std::string wrong = "no answer";
      if (response != nullptr) {
        std::map<std::string, int32_t> seen;
        for (const auto& t : response->topics)
          seen[t.name.value_or("")] = static_cast<int32_t>(t.partitions.size());
        wrong = difference(seen);
        if (wrong.empty()
            && response->brokers.size()
                 != static_cast<size_t>(all_.cluster.size()))
          wrong
            = "knows " + std::to_string(response->brokers.size()) + " brokers";
      }
      if (wrong.empty()) {
        check_node(node + 1, done);
        return;
      }
      last_answer_ = "node " + std::to_string(node + 1) + ": " + wrong;
      all_.later(200, [this, node, done] {
        check_node(node, done);
      });
    });
}

} // namespace millrace
