#include "apps/client/group_member.hpp"

#include "apps/client/range_assignor.hpp"
#include "apps/client/refusal.hpp"
#include "schema/kafka/consumer_protocol.hpp"

#include <set>

namespace millrace::client {
namespace {

constexpr const char* assignor_name = "range";

/// The structs inside JoinGroup and SyncGroup: a version, then the struct.
template <class Message>
std::string embed(const Message& message) {
  kafka_writer writer;
  writer.write_int16(0);
  encode(writer, 0, message);
  return writer.finish().bytes;
}

template <class Message>
result<Message> extract(const std::string& bytes) {
  Message message;
  if (bytes.empty())
    return message;
  kafka_reader reader{shared_bytes::copy_of(bytes)};
  const auto version = std::min<int16_t>(reader.read_int16("version"), 3);
  if (auto read = decode(reader, version, message); !read)
    return read.error();
  return message;
}

std::vector<kafka::sync_group_request::sync_group_request_assignment>
assignments_of(
  const std::map<std::string, std::vector<topic_partition>>& assigned) {
  std::vector<kafka::sync_group_request::sync_group_request_assignment> out;
  for (const auto& [member, partitions] : assigned) {
    kafka::consumer_protocol_assignment message;
    for (const auto& tp : partitions) {
      auto& topics = message.assigned_partitions;
      if (topics.empty() || topics.back().topic != tp.topic)
        topics.push_back({tp.topic, {}});
      topics.back().partitions.push_back(tp.partition);
    }
    out.push_back({member, embed(message)});
  }
  return out;
}

} // namespace

result<committed_offsets> fetch_committed(cluster& nodes,
  const std::string& group, const std::vector<topic_partition>& partitions) {
  kafka::offset_fetch_request request;
  request.group_id = group;
  request.topics.emplace();
  for (const auto& tp : partitions) {
    if (request.topics->empty() || request.topics->back().name != tp.topic)
      request.topics->push_back({tp.topic, {}});
    request.topics->back().partition_indexes.push_back(tp.partition);
  }
  return with_retries(
    nodes.options().timeout_ms, [&](int ms) -> result<committed_offsets> {
      auto to = nodes.coordinator(group);
      if (!to)
        return to.error();
      auto answer = (*to)->call(request, ms);
      if (!answer) {
        nodes.drop_all();
        return answer.error();
      }
      const auto what = "read the offsets of group '" + group + "'";
      if (answer->error_code != 0) {
        nodes.drop_all();
        return refused(answer->error_code, what);
      }
      committed_offsets offsets;
      for (const auto& topic : answer->topics) {
        for (const auto& p : topic.partitions) {
          if (p.error_code != 0)
            return refused(p.error_code, what);
          if (p.committed_offset >= 0)
            offsets[{topic.name, p.partition_index}] = p.committed_offset;
        }
      }
      return offsets;
    });
}

group_member::group_member(cluster& nodes, group_member_options options)
    : nodes_(nodes), options_(std::move(options)) {}

result<bool> group_member::keep_up() {
  if (!rejoining() && steady_ms() >= heartbeat_due_ms_)
    MILLRACE_TRY(heartbeat());
  if (!rejoining())
    return false;
  MILLRACE_TRY(join());
  return true;
}

result<void> group_member::join() {
  return with_retries(
    options_.rebalance_timeout_ms + nodes_.options().timeout_ms, [&](int ms) {
      auto joined = join_once(ms);
      if (!joined && joined.error().code == errc::offline)
        nodes_.drop_all();
      return joined;
    });
}

result<void> group_member::join_once(int timeout_ms) {
  auto to = nodes_.coordinator(options_.group);
  if (!to)
    return to.error();
  kafka::consumer_protocol_subscription subscription;
  subscription.topics = options_.topics;
  kafka::join_group_request request;
  request.group_id = options_.group;
  request.session_timeout_ms = options_.session_timeout_ms;
  request.rebalance_timeout_ms = options_.rebalance_timeout_ms;
  request.member_id = member_id_;
  if (!options_.instance_id.empty())
    request.group_instance_id = options_.instance_id;
  request.protocol_type = "consumer";
  request.protocols.push_back({assignor_name, embed(subscription)});
  auto answer = (*to)->call(request, timeout_ms);
  if (!answer)
    return answer.error();
  const auto code = static_cast<kafka_error>(answer->error_code);
  if (code == kafka_error::member_id_required) {
    member_id_ = answer->member_id;
    return join_once(timeout_ms);
  }
  if (code != kafka_error::none) {
    note(code);
    auto why = refused(code, "join group '" + options_.group + "'");
    // A forgotten member joins as a new one.
    if (code == kafka_error::unknown_member_id
        || code == kafka_error::rebalance_in_progress)
      why.code = errc::offline;
    return why;
  }
  member_id_ = answer->member_id;
  generation_ = answer->generation_id;
  return sync(*answer, timeout_ms);
}

result<void> group_member::sync(
  kafka::join_group_response& joined, int timeout_ms) {
  kafka::sync_group_request request;
  request.group_id = options_.group;
  request.generation_id = generation_;
  request.member_id = member_id_;
  if (!options_.instance_id.empty())
    request.group_instance_id = options_.instance_id;
  request.protocol_type = "consumer";
  request.protocol_name = joined.protocol_name;
  if (joined.leader == member_id_ && !joined.skip_assignment) {
    std::map<std::string, std::vector<std::string>> subscriptions;
    std::set<std::string> wanted;
    for (const auto& member : joined.members) {
      auto read
        = extract<kafka::consumer_protocol_subscription>(member.metadata);
      if (!read)
        return read.error();
      wanted.insert(read->topics.begin(), read->topics.end());
      subscriptions[member.member_id] = std::move(read->topics);
    }
    std::map<std::string, int32_t> counts;
    for (const auto& name : wanted)
      // A topic that does not exist is assigned to nobody until it does.
      if (auto topic = nodes_.fetch_topic(name); topic)
        counts[name] = static_cast<int32_t>(topic->partitions.size());
    request.assignments = assignments_of(assign_ranges(subscriptions, counts));
  }
  auto to = nodes_.coordinator(options_.group);
  if (!to)
    return to.error();
  auto answer = (*to)->call(request, timeout_ms);
  if (!answer)
    return answer.error();
  if (answer->error_code != 0) {
    const auto code = static_cast<kafka_error>(answer->error_code);
    note(code);
    auto why = refused(code, "join group '" + options_.group + "'");
    if (rejoining())
      why.code = errc::offline;
    return why;
  }
  auto mine = extract<kafka::consumer_protocol_assignment>(answer->assignment);
  if (!mine)
    return mine.error();
  assignment_.clear();
  for (const auto& topic : mine->assigned_partitions)
    for (auto partition : topic.partitions)
      assignment_.push_back({topic.topic, partition});
  rejoin_ = false;
  heartbeat_due_ms_ = steady_ms() + options_.session_timeout_ms / 4;
  return {};
}

/// What a code says about the membership.
void group_member::note(kafka_error code) {
  using enum kafka_error;
  if (code == rebalance_in_progress || code == illegal_generation)
    rejoin_ = true;
  if (code == unknown_member_id) {
    rejoin_ = true;
    member_id_.clear();
    generation_ = -1;
  }
}

result<void> group_member::heartbeat() {
  auto to = nodes_.coordinator(options_.group);
  kafka::heartbeat_request request;
  request.group_id = options_.group;
  request.generation_id = generation_;
  request.member_id = member_id_;
  if (!options_.instance_id.empty())
    request.group_instance_id = options_.instance_id;
  heartbeat_due_ms_ = steady_ms() + options_.session_timeout_ms / 4;
  if (!to) {
    // The session outlives a coordinator that is away for a moment.
    heartbeat_due_ms_ = steady_ms() + 500;
    return to.error().code == errc::offline ? result<void>{}
                                            : result<void>{to.error()};
  }
  auto answer = (*to)->call(request, options_.session_timeout_ms);
  if (!answer) {
    nodes_.drop_all();
    return answer.error().code == errc::offline ? result<void>{}
                                                : result<void>{answer.error()};
  }
  const auto code = static_cast<kafka_error>(answer->error_code);
  note(code);
  if (code == kafka_error::none || rejoining())
    return {};
  auto why = refused(code, "stay in group '" + options_.group + "'");
  if (why.code != errc::offline)
    return why;
  nodes_.drop_all();
  return {};
}

result<void> group_member::commit(const committed_offsets& next) {
  if (generation_ < 0 || next.empty())
    return {};
  kafka::offset_commit_request request;
  request.group_id = options_.group;
  request.generation_id_or_member_epoch = generation_;
  request.member_id = member_id_;
  if (!options_.instance_id.empty())
    request.group_instance_id = options_.instance_id;
  for (const auto& [tp, offset] : next) {
    if (request.topics.empty() || request.topics.back().name != tp.topic) {
      request.topics.emplace_back();
      request.topics.back().name = tp.topic;
    }
    auto& partition = request.topics.back().partitions.emplace_back();
    partition.partition_index = tp.partition;
    partition.committed_offset = offset;
  }
  return with_retries(nodes_.options().timeout_ms, [&](int ms) -> result<void> {
    auto to = nodes_.coordinator(options_.group);
    if (!to)
      return to.error();
    auto answer = (*to)->call(request, ms);
    if (!answer) {
      nodes_.drop_all();
      return answer.error();
    }
    for (const auto& topic : answer->topics) {
      for (const auto& p : topic.partitions) {
        if (p.error_code == 0)
          continue;
        note(static_cast<kafka_error>(p.error_code));
        if (rejoining())
          return {};
        nodes_.drop_all();
        return refused(
          p.error_code, "commit offsets of group '" + options_.group + "'");
      }
    }
    return {};
  });
}

void group_member::leave() {
  if (member_id_.empty() || !options_.instance_id.empty())
    return;
  auto to = nodes_.coordinator(options_.group);
  if (!to)
    return; // The session will end by itself.
  kafka::leave_group_request request;
  request.group_id = options_.group;
  request.member_id = member_id_;
  request.members.emplace_back();
  request.members.back().member_id = member_id_;
  // Whatever the answer is, nothing more can be done about it.
  (void)(*to)->call(request, nodes_.options().timeout_ms);
  member_id_.clear();
  generation_ = -1;
}

} // namespace millrace::client
