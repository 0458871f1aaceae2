#include "apps/client/replica_admin.hpp"

#include "apps/client/refusal.hpp"
#include "cluster/move_requests.hpp"
#include "schema/metadata_command.hpp"

#include <algorithm>

namespace millrace::client {
namespace {

using refusals = std::map<topic_partition, std::string>;

constexpr const char* metadata_topic = "__cluster_metadata";

/// An answer that is one code with one sentence.
template <class Request>
result<void> ask_for(
  cluster& nodes, const Request& request, const std::string& what) {
  auto answer = nodes.ask_controller(request);
  if (!answer)
    return answer.error();
  if (answer->error_code != 0)
    return refused(answer->error_code, what, answer->error_message);
  return {};
}

std::vector<node_id> nodes_without(
  const std::vector<int32_t>& ids, const std::vector<int32_t>& what) {
  std::vector<node_id> left;
  for (const auto id : ids)
    if (std::find(what.begin(), what.end(), id) == what.end())
      left.push_back(node_id{id});
  return left;
}

std::string reason(int16_t code, const std::optional<std::string>& message) {
  return message ? *message : to_string(static_cast<kafka_error>(code));
}

result<kafka::describe_cluster_response> describe_cluster(cluster& nodes) {
  auto to = nodes.any();
  if (!to)
    return to.error();
  kafka::describe_cluster_request request;
  request.include_fenced_brokers = true;
  auto answer = (*to)->call(request, nodes.options().timeout_ms);
  if (answer && answer->error_code != 0)
    return refused(
      answer->error_code, "describe the cluster", answer->error_message);
  return answer;
}

/// Those that the server refuses; `is_fine` is an error that is none.
result<refusals> reassign(cluster& nodes,
  kafka::alter_partition_reassignments_request request, kafka_error is_fine,
  const std::string& what) {
  request.timeout_ms = nodes.options().timeout_ms;
  auto answer = nodes.ask_controller(request);
  if (!answer)
    return answer.error();
  if (answer->error_code != 0)
    return refused(answer->error_code, what, answer->error_message);
  refusals not_done;
  for (const auto& topic : answer->responses)
    for (const auto& p : topic.partitions)
      if (p.error_code != 0 && p.error_code != static_cast<int16_t>(is_fine))
        not_done[{topic.name, p.partition_index}]
          = reason(p.error_code, p.error_message);
  return not_done;
}

} // namespace

result<std::string> find_cluster_id(cluster& nodes) {
  auto answer = describe_cluster(nodes);
  if (!answer)
    return answer.error();
  return answer->cluster_id;
}

result<std::vector<known_node>> list_nodes(cluster& nodes) {
  auto answer = describe_cluster(nodes);
  if (!answer)
    return answer.error();
  std::vector<known_node> known;
  for (const auto& b : answer->brokers)
    known.push_back(
      {b.broker_id, endpoint{b.host, static_cast<uint16_t>(b.port)}.to_string(),
        b.rack.value_or(""), b.is_fenced});
  std::sort(known.begin(), known.end(), [](const auto& a, const auto& b) {
    return a.id < b.id;
  });
  return known;
}

const quorum_state::member* quorum_state::find(int32_t id) const {
  for (const auto& m : members)
    if (m.id == id)
      return &m;
  return nullptr;
}

result<quorum_state> describe_quorum(cluster& nodes, int timeout_ms) {
  const std::string what = "describe the quorum";
  kafka::describe_quorum_request request;
  request.topics = {{metadata_topic, {{0}}}};
  auto to = nodes.any();
  if (!to)
    return to.error();
  auto answer = (*to)->call(request, timeout_ms);
  if (!answer) {
    nodes.drop(*to);
    return answer.error();
  }
  if (answer->error_code != 0)
    return refused(answer->error_code, what, answer->error_message);
  if (answer->topics.empty() || answer->topics[0].partitions.empty())
    return error{errc::io_error, "cannot " + what + ": the answer is empty"};
  const auto& p = answer->topics[0].partitions[0];
  if (p.error_code != 0)
    return refused(p.error_code, what, p.error_message);
  quorum_state state{p.leader_id, p.leader_epoch, p.high_watermark, {}};
  // By the leader's own clock: it has heard of itself just now.
  int64_t now_ms = -1;
  for (const auto& m : p.current_voters)
    now_ms = std::max(now_ms, m.last_fetch_timestamp);
  const auto add = [&](const auto& all, bool votes) {
    for (const auto& m : all)
      state.members.push_back({m.replica_id, m.replica_directory_id, votes,
        std::max<int64_t>(0, p.high_watermark - m.log_end_offset),
        m.last_fetch_timestamp < 0
          ? -1
          : std::max<int64_t>(0, now_ms - m.last_fetch_timestamp)});
  };
  add(p.current_voters, true);
  add(p.observers, false);
  for (const auto& node : answer->nodes)
    for (const auto& listener : node.listeners)
      if (listener.name == cluster_listener_name)
        for (auto& m : state.members)
          if (m.id == node.node_id)
            m.address = endpoint{listener.host, listener.port}.to_string();
  std::sort(state.members.begin(), state.members.end(),
    [](const auto& a, const auto& b) {
      return a.id < b.id;
    });
  return state;
}

result<void> add_voter(cluster& nodes, int32_t id, const uuid& directory) {
  kafka::add_raft_voter_request request;
  request.timeout_ms = nodes.options().timeout_ms;
  request.voter_id = id;
  request.voter_directory_id = directory;
  return ask_for(nodes, request, "give node " + std::to_string(id) + " a vote");
}

result<void> remove_voter(cluster& nodes, int32_t id, const uuid& directory) {
  kafka::remove_raft_voter_request request;
  request.voter_id = id;
  request.voter_directory_id = directory;
  return ask_for(nodes, request, "take the vote of node " + std::to_string(id));
}

result<void> unregister_node(cluster& nodes, int32_t id) {
  return ask_for(nodes, kafka::unregister_broker_request{id},
    "take node " + std::to_string(id) + " off the list");
}

result<void> hand_over_metadata(cluster& nodes) {
  const std::string what = "hand the metadata over";
  kafka::elect_leaders_request request;
  request.topic_partitions.emplace();
  request.topic_partitions->push_back({metadata_topic, {0}});
  request.timeout_ms = nodes.options().timeout_ms;
  auto answer = nodes.ask_controller(request);
  if (!answer)
    return answer.error();
  if (answer->error_code != 0)
    return refused(answer->error_code, what);
  for (const auto& topic : answer->replica_election_results)
    for (const auto& p : topic.partition_result)
      if (p.error_code != 0)
        return refused(p.error_code, what, p.error_message);
  return {};
}

result<refusals> start_moves(
  cluster& nodes, const std::vector<replica_move>& moves) {
  return reassign(
    nodes, request_moves(moves), kafka_error::none, "move replicas");
}

result<refusals> cancel_moves(
  cluster& nodes, const std::vector<replica_move>& moves) {
  return reassign(nodes, request_no_moves(moves),
    kafka_error::no_reassignment_in_progress, "stop moves");
}

result<std::map<topic_partition, replica_move>> open_moves(cluster& nodes) {
  kafka::list_partition_reassignments_request request;
  request.timeout_ms = nodes.options().timeout_ms;
  auto answer = nodes.ask_controller(request);
  if (!answer)
    return answer.error();
  if (answer->error_code != 0)
    return refused(answer->error_code, "list the moves", answer->error_message);
  std::map<topic_partition, replica_move> all;
  for (const auto& topic : answer->topics)
    for (const auto& p : topic.partitions) {
      const topic_partition name{topic.name, p.partition_index};
      all[name] = {name, nodes_without(p.replicas, p.adding_replicas),
        nodes_without(p.replicas, p.removing_replicas)};
    }
  return all;
}

result<refusals> elect_preferred(
  cluster& nodes, const std::set<topic_partition>& partitions) {
  refusals not_done;
  if (partitions.empty())
    return not_done;
  auto request = request_first_leaders({partitions.begin(), partitions.end()});
  request.timeout_ms = nodes.options().timeout_ms;
  auto answer = nodes.ask_controller(request);
  if (!answer)
    return answer.error();
  if (answer->error_code != 0)
    return refused(answer->error_code, "elect leaders");
  for (const auto& topic : answer->replica_election_results)
    for (const auto& p : topic.partition_result)
      if (p.error_code != 0
          && p.error_code
               != static_cast<int16_t>(kafka_error::election_not_needed))
        not_done[{topic.topic, p.partition_id}]
          = reason(p.error_code, p.error_message);
  return not_done;
}

} // namespace millrace::client
