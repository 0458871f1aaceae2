#include "simulation/cluster_voters.hpp"

#include "schema/kafka/add_raft_voter.hpp"
#include "schema/kafka/remove_raft_voter.hpp"
#include "schema/kafka_error.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr size_t voters_min = 3;
constexpr int64_t pause_ms_max = 6000;
/// A change that nobody has answered has come about by then, or does not any
/// more: the next one must not come on top of it.
constexpr sim_time forgotten_after = 15 * sim_second;

const std::string metadata_topic = "__cluster_metadata";

} // namespace

cluster_voters::cluster_voters(cluster_clients& all)
    : all_(all), client_(all) {}

void cluster_voters::start() {
  idle_ = all_.stopping;
  if (!idle_)
    all_.later(pause_ms_max, [this] {
      look();
    });
}

void cluster_voters::look() {
  idle_ = all_.stopping;
  if (idle_)
    return;
  kafka::describe_quorum_request request;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = metadata_topic;
  topic.partitions.emplace_back();
  client_.request<described>(client_.any_node(), api_key::describe_quorum, 2,
    request, [this](const described* response) {
      last_answer_ = "DescribeQuorum";
      if (response == nullptr || response->error_code != 0
          || response->topics.empty()
          || response->topics.front().partitions.empty())
        start();
      else
        choose(response->topics.front().partitions.front());
    });
}

void cluster_voters::choose(const described::described_partition& now) {
  const auto& voters = now.current_voters;
  const auto& others = now.observers;
  const bool may_shrink = voters.size() > voters_min;
  if (!may_shrink && others.empty()) {
    start();
    return;
  }
  if (may_shrink && (others.empty() || all_.world.random(2) == 0))
    remove(voters[all_.world.random(voters.size())]);
  else
    add(others[all_.world.random(others.size())]);
}

void cluster_voters::add(const described::replica_state& member) {
  kafka::add_raft_voter_request request;
  request.timeout_ms = 5000;
  request.voter_id = member.replica_id;
  request.voter_directory_id = member.replica_directory_id;
  client_.request<kafka::add_raft_voter_response>(client_.any_node(),
    api_key::add_raft_voter, 1, request,
    [this](const kafka::add_raft_voter_response* response) {
      ended(response != nullptr, response == nullptr ? 0 : response->error_code,
        "AddRaftVoter");
    });
}

void cluster_voters::remove(const described::replica_state& member) {
  kafka::remove_raft_voter_request request;
  request.voter_id = member.replica_id;
  request.voter_directory_id = member.replica_directory_id;
  client_.request<kafka::remove_raft_voter_response>(client_.any_node(),
    api_key::remove_raft_voter, 0, request,
    [this](const kafka::remove_raft_voter_response* response) {
      ended(response != nullptr, response == nullptr ? 0 : response->error_code,
        "RemoveRaftVoter");
    });
}

void cluster_voters::ended(
  bool answered, int16_t code, const std::string& what) {
  const auto error = static_cast<kafka_error>(code);
  last_answer_ = what + ": " + (answered ? to_string(error) : "no answer");
  const bool done = answered && error == kafka_error::none;
  changes_ += done ? 1 : 0;
  all_.acknowledged += done ? 1 : 0;
  const bool is_known = answered
                        && (done || error == kafka_error::duplicate_voter
                            || error == kafka_error::voter_not_found
                            || error == kafka_error::invalid_request);
  if (is_known || all_.stopping) {
    start();
    return;
  }
  idle_ = true; // there is nothing to wait for
  all_.world.after(forgotten_after, [this] {
    start();
  });
}

} // namespace millrace
