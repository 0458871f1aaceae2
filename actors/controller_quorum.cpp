#include "actors/controller_quorum.hpp"

#include "actors/controller_lead.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = controller_actor::stateful_pointer<controller_actor_state>;
using described = kafka::describe_quorum_response;

/// What Kafka calls the log of the metadata.
constexpr const char* metadata_topic = "__cluster_metadata";

described::replica_state state_of(
  const quorum_view& view, const quorum_view::member& m, int64_t wall_ms) {
  described::replica_state state;
  state.replica_id = m.id.node.value;
  state.replica_directory_id = m.id.directory;
  state.log_end_offset = static_cast<int64_t>(m.log_end);
  if (m.heard_ms_ago >= 0) {
    state.last_fetch_timestamp = wall_ms - m.heard_ms_ago;
    if (m.log_end >= view.committed)
      state.last_caught_up_timestamp = state.last_fetch_timestamp;
  }
  return state;
}

described::described_partition describe(
  const quorum_view& view, int64_t wall_ms) {
  described::described_partition p;
  p.partition_index = 0;
  p.leader_id = view.leader.value;
  p.leader_epoch = static_cast<int32_t>(view.term);
  p.high_watermark = static_cast<int64_t>(view.committed);
  for (const auto& m : view.members)
    (m.is_voter ? p.current_voters : p.observers)
      .push_back(state_of(view, m, wall_ms));
  return p;
}

/// Where the nodes hear one another.
std::vector<described::quorum_node> addresses(
  const quorum_view& view, const metadata_image& image) {
  std::vector<described::quorum_node> nodes;
  for (const auto& m : view.members) {
    auto& node = nodes.emplace_back();
    node.node_id = m.id.node.value;
    if (const auto* broker = image.find_broker(m.id.node))
      for (const auto& e : broker->endpoints)
        if (e.listener == cluster_listener_name)
          node.listeners.push_back({e.listener, e.host, e.port});
  }
  return nodes;
}

described answer(const kafka::describe_quorum_request& request,
  const quorum_view& view, const metadata_image& image, int64_t wall_ms) {
  described response;
  bool known = false;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.topic_name = topic.topic_name;
    for (const auto& wanted : topic.partitions) {
      if (topic.topic_name == metadata_topic && wanted.partition_index == 0) {
        out.partitions.push_back(describe(view, wall_ms));
        known = true;
        continue;
      }
      auto& p = out.partitions.emplace_back();
      p.partition_index = wanted.partition_index;
      p.error_code
        = static_cast<int16_t>(kafka_error::unknown_topic_or_partition);
      p.error_message = "Only partition 0 of " + std::string{metadata_topic}
                        + " has a quorum.";
    }
  }
  if (known)
    response.nodes = addresses(view, image);
  else
    response.error_message = "";
  return response;
}

const quorum_view::member* find(const quorum_view& view, node_id node) {
  for (const auto& m : view.members)
    if (m.id.node == node)
      return &m;
  return nullptr;
}

std::string name_of(node_id node, const uuid& directory) {
  return "Node " + std::to_string(node.value) + " with directory "
         + to_string(directory);
}

refusal check_cluster(
  const std::optional<std::string>& wanted, const metadata_image& image) {
  if (!wanted || *wanted == image.cluster_id())
    return {};
  return {kafka_error::inconsistent_cluster_id,
    "This is the cluster " + image.cluster_id() + "."};
}

/// What is wrong with the request, by what the group is now.
refusal check(const kafka::add_raft_voter_request& request,
  const quorum_view& view, const metadata_image& image) {
  if (auto wrong = check_cluster(request.cluster_id, image))
    return wrong;
  const node_id node{request.voter_id};
  const auto* member = find(view, node);
  if (member != nullptr && member->is_voter)
    return {kafka_error::duplicate_voter,
      "Node " + std::to_string(node.value) + " is a voter already."};
  // It makes itself known; its address is the one that it has registered.
  if (member == nullptr || member->id.directory != request.voter_directory_id)
    return {kafka_error::invalid_request,
      name_of(node, request.voter_directory_id)
        + " has not joined the cluster: start it first."};
  return {};
}

refusal check(const kafka::remove_raft_voter_request& request,
  const quorum_view& view, const metadata_image& image) {
  if (auto wrong = check_cluster(request.cluster_id, image))
    return wrong;
  const node_id node{request.voter_id};
  const auto* member = find(view, node);
  if (member == nullptr || !member->is_voter
      || member->id.directory != request.voter_directory_id)
    return {kafka_error::voter_not_found,
      name_of(node, request.voter_directory_id) + " is not a voter."};
  const auto voters = std::count_if(
    view.members.begin(), view.members.end(), [](const auto& m) {
      return m.is_voter;
    });
  if (voters == 1)
    return {kafka_error::invalid_request, "The last voter cannot go."};
  return {};
}

refusal to_refusal(raft_refusal refused) {
  switch (refused) {
  case raft_refusal::none:
    return {};
  case raft_refusal::not_leader:
    return {kafka_error::not_controller, "The controller has changed."};
  case raft_refusal::timed_out:
    return {kafka_error::request_timed_out,
      "The new voter did not catch up in time."};
  case raft_refusal::change_in_progress:
  case raft_refusal::not_yet:
  case raft_refusal::transferring:
  case raft_refusal::too_much_pending:
    return {kafka_error::request_timed_out,
      "Another change of the voters is under way."};
  default:
    return {kafka_error::invalid_request, to_string(refused)};
  }
}

template <class Response>
void settle(self_pointer self, const admin_case& asked, refusal refused) {
  Response response;
  response.error_code = static_cast<int16_t>(refused.error);
  if (refused)
    response.error_message = std::move(refused.message);
  settle_case(self, asked, {0, 0, std::move(response)});
}

/// Its answer finds the case again, by the ticket.
template <class Message>
void ask_consensus(self_pointer self, admin_case asked, Message message) {
  auto& s = self->state;
  message.ticket = s.next_ticket++;
  s.leading->quorum_cases.emplace(message.ticket, std::move(asked));
  tell(self, s.options.consensus, std::move(message));
}

template <class Request>
raft_member voter_of(const Request& request) {
  return {node_id{request.voter_id}, request.voter_directory_id};
}

template <class Response, class Request>
void change_voter(self_pointer self, const admin_case& asked,
  const Request& request, const quorum_view& view, raft_part part) {
  if (auto refused = check(request, view, self->state.image))
    settle<Response>(self, asked, std::move(refused));
  else
    ask_consensus(self, asked, change_member{0, voter_of(request), part});
}

/// The group as it is, for one who asked for it.
struct on_view {
  self_pointer self;
  const admin_case& asked;
  const quorum_view& view;

  void operator()(const kafka::describe_quorum_request& request) const {
    auto& s = self->state;
    settle_case(self, asked,
      {0, 0, answer(request, view, s.image, s.env->wall_clock_ms())});
  }
  void operator()(const kafka::add_raft_voter_request& request) const {
    if (!request.ack_when_committed) {
      // Answered when it is under way; how it ends nobody waits for.
      auto& s = self->state;
      auto refused = check(request, view, s.image);
      if (!refused)
        tell(self, s.options.consensus,
          change_member{s.next_ticket++, voter_of(request), raft_part::voter});
      settle<kafka::add_raft_voter_response>(self, asked, std::move(refused));
      return;
    }
    change_voter<kafka::add_raft_voter_response>(
      self, asked, request, view, raft_part::voter);
  }
  void operator()(const kafka::remove_raft_voter_request& request) const {
    change_voter<kafka::remove_raft_voter_response>(
      self, asked, request, view, raft_part::learner);
  }
  void operator()(const kafka::elect_leaders_request&) const {
    ask_consensus(self, asked, hand_over{});
  }
  void operator()(const kafka::unregister_broker_request& request) const {
    const auto* member = find(view, node_id{request.broker_id});
    if (member != nullptr && !member->is_voter)
      ask_consensus(self, asked, change_member{0, member->id, raft_part::none});
  }
  void operator()(const auto&) const {
    MILLRACE_ASSERT(false, "only these ask for the group");
  }
};

/// How a change has ended, for the one who asked for it.
struct on_end {
  self_pointer self;
  const admin_case& asked;
  raft_refusal how;

  void operator()(const kafka::add_raft_voter_request&) const {
    settle<kafka::add_raft_voter_response>(self, asked, to_refusal(how));
  }
  void operator()(const kafka::remove_raft_voter_request&) const {
    settle<kafka::remove_raft_voter_response>(self, asked, to_refusal(how));
  }
  void operator()(const kafka::elect_leaders_request&) const {
    kafka::elect_leaders_response response;
    auto& result = response.replica_election_results.emplace_back();
    result.topic = metadata_topic;
    auto& one = result.partition_result.emplace_back();
    if (how != raft_refusal::none) {
      one.error_code
        = static_cast<int16_t>(kafka_error::preferred_leader_not_available);
      one.error_message
        = std::string{"No other voter can lead: "} + to_string(how);
    }
    settle_case(self, asked, {0, 0, std::move(response)});
  }
  void operator()(const auto&) const {
    // Nobody waits to hear that a learner is gone.
  }
};

/// The case behind an answer; none if this node has not led all the time
/// since.
std::optional<admin_case> take_out(self_pointer self, uint64_t ticket) {
  auto& s = self->state;
  if (!s.leading)
    return std::nullopt;
  auto found = s.leading->quorum_cases.extract(ticket);
  if (found.empty())
    return std::nullopt;
  return std::move(found.mapped());
}

} // namespace

bool is_of_metadata(const kafka::elect_leaders_request& request) {
  return request.topic_partitions && request.topic_partitions->size() == 1
         && request.topic_partitions->front().topic == metadata_topic
         && request.topic_partitions->front().partitions
              == std::vector<int32_t>{0};
}

bool is_about_quorum(const admin_question& question) {
  return std::visit(
    []<class Question>(const Question& q) {
      if constexpr (std::is_same_v<Question, kafka::elect_leaders_request>)
        return is_of_metadata(q);
      else
        return about_quorum<Question>;
    },
    question);
}

void take_quorum_case(self_pointer self, admin_case question) {
  ask_consensus(self, std::move(question), ask_quorum{});
}

void forget_learner(self_pointer self, node_id broker) {
  kafka::unregister_broker_request request;
  request.broker_id = broker.value;
  ask_consensus(self,
    {self->state.options.config->id, 0,
      std::make_shared<const admin_ask>(admin_ask{0, 0, std::move(request)})},
    ask_quorum{});
}

void on_quorum_view(self_pointer self, const quorum_view& view) {
  if (const auto asked = take_out(self, view.ticket))
    std::visit(on_view{self, *asked, view}, asked->ask->question);
}

void on_member_changed(self_pointer self, const member_changed& done) {
  if (const auto asked = take_out(self, done.ticket))
    std::visit(on_end{self, *asked, done.refused}, asked->ask->question);
}

} // namespace millrace
