#include "apps/client/group_admin.hpp"

#include "apps/client/refusal.hpp"
#include "schema/kafka/consumer_protocol.hpp"

#include <algorithm>

namespace millrace::client {
namespace {

/// One request to the group's coordinator, which may move or be loading.
/// `code_of` finds the code in the answer that decides about a retry.
template <class Request, class CodeOf>
auto ask_coordinator(cluster& nodes, const std::string& group,
  const std::string& what, const Request& request, CodeOf&& code_of)
  -> result<typename exchange<Request>::response> {
  using response = typename exchange<Request>::response;
  return with_retries(
    nodes.options().timeout_ms, [&](int ms) -> result<response> {
      auto to = nodes.coordinator(group);
      if (!to)
        return to.error();
      auto answer = (*to)->call(request, ms);
      if (!answer) {
        nodes.drop_all();
        return answer.error();
      }
      if (const int16_t code = code_of(*answer); code != 0) {
        auto why = refused(code, what);
        if (why.code == errc::offline)
          nodes.drop_all();
        return why;
      }
      return answer;
    });
}

std::vector<topic_partition> assignment_of(const std::string& bytes) {
  kafka_reader reader{shared_bytes::copy_of(bytes)};
  const auto version = std::min<int16_t>(reader.read_int16("version"), 3);
  kafka::consumer_protocol_assignment message;
  std::vector<topic_partition> assignment;
  // Groups of other kinds carry what only their members can read.
  if (version < 0 || !decode(reader, version, message))
    return assignment;
  for (const auto& topic : message.assigned_partitions)
    for (auto partition : topic.partitions)
      assignment.push_back({topic.topic, partition});
  return assignment;
}

result<group_info> describe_classic(cluster& nodes, const std::string& group) {
  kafka::describe_groups_request request;
  request.groups.push_back(group);
  const auto what = "describe group '" + group + "'";
  auto answer
    = ask_coordinator(nodes, group, what, request, [](const auto& response) {
        return response.groups.empty() ? int16_t{0}
                                       : response.groups.front().error_code;
      });
  if (!answer)
    return answer.error();
  if (answer->groups.empty() || answer->groups.front().group_state == "Dead")
    return refused(kafka_error::group_id_not_found, what);
  const auto& described = answer->groups.front();
  group_info info{group, described.group_state, described.protocol_data, {}};
  for (const auto& m : described.members)
    info.members.push_back({m.member_id, m.group_instance_id.value_or(""),
      m.client_id, m.client_host, assignment_of(m.member_assignment)});
  return info;
}

/// A group whose coordinator assigns (KIP-848).
result<group_info> describe_assigned(cluster& nodes, const std::string& group) {
  kafka::consumer_group_describe_request request;
  request.group_ids.push_back(group);
  const auto what = "describe group '" + group + "'";
  auto answer
    = ask_coordinator(nodes, group, what, request, [](const auto& response) {
        return response.groups.empty() ? int16_t{0}
                                       : response.groups.front().error_code;
      });
  if (!answer)
    return answer.error();
  if (answer->groups.empty())
    return refused(kafka_error::group_id_not_found, what);
  const auto& described = answer->groups.front();
  group_info info{group, described.group_state, described.assignor_name, {}};
  for (const auto& m : described.members) {
    auto& member = info.members.emplace_back();
    member.member_id = m.member_id;
    member.instance_id = m.instance_id.value_or("");
    member.client_id = m.client_id;
    member.host = m.client_host;
    for (const auto& t : m.assignment.topic_partitions)
      for (const auto partition : t.partitions)
        member.assignment.push_back({t.topic_name, partition});
  }
  return info;
}

} // namespace

result<std::vector<group_listing>> list_groups(cluster& nodes) {
  if (auto known = nodes.fetch_topics(std::vector<std::string>{}); !known)
    return known.error();
  std::vector<group_listing> groups;
  const auto brokers = nodes.brokers();
  for (const auto& [id, broker] : brokers) {
    auto to = nodes.node(id);
    if (!to)
      return to.error();
    auto answer
      = (*to)->call(kafka::list_groups_request{}, nodes.options().timeout_ms);
    if (!answer)
      return answer.error();
    if (answer->error_code != 0)
      return refused(answer->error_code, "list groups");
    for (const auto& g : answer->groups)
      groups.push_back({g.group_id, g.group_state, g.protocol_type});
  }
  std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return a.group < b.group;
  });
  return groups;
}

result<group_info> describe_group(cluster& nodes, const std::string& group) {
  auto classic = describe_classic(nodes, group);
  if (classic || classic.error().code != errc::not_found)
    return classic;
  auto assigned = describe_assigned(nodes, group);
  // Servers that do not know the other protocol have none of its groups.
  return assigned || assigned.error().code != errc::unsupported ? assigned
                                                                : classic;
}

result<std::vector<group_rebalance_info>> explain_group(
  cluster& nodes, const std::string& group) {
  kafka::explain_group_request request;
  request.group_id = group;
  auto answer = ask_coordinator(nodes, group, "explain group '" + group + "'",
    request, [](const auto& response) {
      return response.error_code;
    });
  if (!answer)
    return answer.error();
  std::vector<group_rebalance_info> list;
  for (const auto& r : answer->rebalances)
    list.push_back(
      {r.epoch, r.member_id, r.reason, r.started_ms, r.duration_ms});
  return list;
}

result<void> delete_group(cluster& nodes, const std::string& group) {
  kafka::delete_groups_request request;
  request.groups_names.push_back(group);
  auto answer = ask_coordinator(nodes, group, "delete group '" + group + "'",
    request, [](const auto& response) {
      return response.results.empty() ? int16_t{0}
                                      : response.results.front().error_code;
    });
  return answer ? result<void>{} : result<void>{answer.error()};
}

result<std::map<topic_partition, int64_t>> all_committed(
  cluster& nodes, const std::string& group) {
  kafka::offset_fetch_request request;
  request.group_id = group;
  request.topics.reset();
  auto answer
    = ask_coordinator(nodes, group, "read the offsets of group '" + group + "'",
      request, [](const auto& response) {
        return response.error_code;
      });
  if (!answer)
    return answer.error();
  std::map<topic_partition, int64_t> offsets;
  for (const auto& topic : answer->topics)
    for (const auto& p : topic.partitions)
      if (p.error_code == 0 && p.committed_offset >= 0)
        offsets[{topic.name, p.partition_index}] = p.committed_offset;
  return offsets;
}

result<void> set_committed(cluster& nodes, const std::string& group,
  const std::map<topic_partition, int64_t>& next) {
  kafka::offset_commit_request request;
  request.group_id = group;
  for (const auto& [tp, offset] : next) {
    if (request.topics.empty() || request.topics.back().name != tp.topic) {
      request.topics.emplace_back();
      request.topics.back().name = tp.topic;
    }
    auto& partition = request.topics.back().partitions.emplace_back();
    partition.partition_index = tp.partition;
    partition.committed_offset = offset;
  }
  auto answer
    = ask_coordinator(nodes, group, "set the offsets of group '" + group + "'",
      request, [](const auto& response) {
        for (const auto& topic : response.topics)
          for (const auto& p : topic.partitions)
            if (p.error_code != 0)
              return p.error_code;
        return int16_t{0};
      });
  return answer ? result<void>{} : result<void>{answer.error()};
}

result<void> delete_committed(cluster& nodes, const std::string& group,
  const std::vector<topic_partition>& partitions) {
  kafka::offset_delete_request request;
  request.group_id = group;
  for (const auto& tp : partitions) {
    if (request.topics.empty() || request.topics.back().name != tp.topic)
      request.topics.push_back({tp.topic, {}});
    request.topics.back().partitions.push_back({tp.partition});
  }
  auto answer = ask_coordinator(nodes, group,
    "delete the offsets of group '" + group + "'", request,
    [](const auto& response) {
      for (const auto& topic : response.topics)
        for (const auto& p : topic.partitions)
          if (p.error_code != 0)
            return p.error_code;
      return response.error_code;
    });
  return answer ? result<void>{} : result<void>{answer.error()};
}

} // namespace millrace::client
