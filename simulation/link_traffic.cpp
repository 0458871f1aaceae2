#include "simulation/link_traffic.hpp"

#include "actors/controller_codec.hpp"
#include "actors/tcp_link_options.hpp"
#include "cluster/config_node.hpp"
#include "cluster/raft_options.hpp"
#include "schema/raft_codec.hpp"
#include "schema/replica_codec.hpp"

#include <algorithm>

namespace millrace {

namespace {

traffic_kind kind_of_raft(const envelope& message) {
  const auto decoded = decode_raft_message(message);
  MILLRACE_ASSERT(decoded.ok(), "what a node sends can be decoded");
  const auto& body = decoded->message.body;
  if (const auto* append = std::get_if<raft_append_request>(&body))
    return append->entries.empty() ? traffic_kind::raft_heartbeat
                                   : traffic_kind::raft_entries;
  return std::holds_alternative<raft_append_answer>(body)
           ? traffic_kind::raft_answer
           : traffic_kind::raft_other;
}

traffic_kind kind_of_replica(const envelope& message) {
  const auto decoded = decode_replica_message(message);
  MILLRACE_ASSERT(decoded.ok(), "what a node sends can be decoded");
  if (std::holds_alternative<replica_fetch>(decoded->body))
    return traffic_kind::replica_fetch;
  return std::holds_alternative<replica_answer>(decoded->body)
           ? traffic_kind::replica_answer
           : traffic_kind::replica_nudge;
}

traffic_kind kind_of_controller(const envelope& message) {
  if (message.is_answer)
    return traffic_kind::controller_answer;
  const auto asked = decode_question(message);
  MILLRACE_ASSERT(asked.ok(), "what a node sends can be decoded");
  return std::holds_alternative<broker_heartbeat>(asked->question)
           ? traffic_kind::broker_heartbeat
           : traffic_kind::controller_question;
}

double per_second(int64_t every_ms) {
  return 1000.0 / static_cast<double>(every_ms);
}

} // namespace

const char* to_string(traffic_kind kind) {
  switch (kind) {
  case traffic_kind::raft_heartbeat:
    return "raft heartbeat";
  case traffic_kind::raft_entries:
    return "raft entries";
  case traffic_kind::raft_answer:
    return "raft answer";
  case traffic_kind::raft_other:
    return "raft, other";
  case traffic_kind::broker_heartbeat:
    return "broker heartbeat";
  case traffic_kind::controller_question:
    return "controller question";
  case traffic_kind::controller_answer:
    return "controller answer";
  case traffic_kind::replica_fetch:
    return "replica fetch";
  case traffic_kind::replica_answer:
    return "replica answer";
  case traffic_kind::replica_nudge:
    return "replica nudge";
  case traffic_kind::custom:
    return "custom";
  case traffic_kind::transactions:
    return "transactions";
  case traffic_kind::shares:
    return "shares";
  }
  return "unknown";
}

traffic_kind kind_of(const envelope& message) {
  switch (message.conversation) {
  case conversation::raft:
    return kind_of_raft(message);
  case conversation::replica:
    return kind_of_replica(message);
  case conversation::controller:
    return kind_of_controller(message);
  case conversation::group:
    return traffic_kind::raft_other;
  case conversation::transactions:
    return traffic_kind::transactions;
  case conversation::shares:
    return traffic_kind::shares;
  case conversation::custom:
    break;
  }
  return traffic_kind::custom;
}

void link_traffic::note(node_id from, node_id to, const envelope& message) {
  const auto bytes = frame_size(message);
  by_kind_.at(static_cast<size_t>(kind_of(message))).add(bytes);
  by_node_[from].add(bytes);
  by_node_[to].add(bytes);
}

traffic_count link_traffic::total() const {
  traffic_count sum;
  for (const auto& one : by_kind_) {
    sum.messages += one.messages;
    sum.bytes += one.bytes;
  }
  return sum;
}

traffic_count link_traffic::busiest() const {
  traffic_count most;
  for (const auto& [node, one] : by_node_)
    if (one.messages > most.messages)
      most = one;
  return most;
}

idle_rates idle_rates_of(int32_t nodes, int32_t voters) {
  const raft_options raft;
  const node_config config;
  const tcp_link_options link;
  const double others = nodes - 1;
  const double learners = nodes - voters;
  return {
    .raft = 2
            * ((voters - 1) * per_second(raft.heartbeat_ms)
               + learners * per_second(raft.learner_heartbeat_ms)),
    .broker = 2 * others * per_second(config.broker_heartbeat_ms),
    .pings = 2 * nodes * others * per_second(link.ping_ms),
  };
}

} // namespace millrace
