#include "cluster/group_answers.hpp"

namespace millrace {

namespace {

constexpr int16_t join_null_protocol_version = 7;

} // namespace

kafka::join_group_response join_refused(
  int16_t version, const std::string& member_id, kafka_error error) {
  kafka::join_group_response answer;
  answer.error_code = code_of(error);
  answer.member_id = member_id;
  answer.protocol_name.reset();
  if (version < join_null_protocol_version)
    answer.protocol_name = "";
  return answer;
}

kafka::join_group_response join_accepted(
  int16_t version, const group_state& group, const std::string& member_id) {
  auto answer = join_refused(version, member_id, kafka_error::none);
  answer.generation_id = group.generation();
  answer.protocol_type = group.protocol_type();
  if (group.protocol_name())
    answer.protocol_name = group.protocol_name();
  answer.leader = group.leader();
  return answer;
}

void add_members(kafka::join_group_response& answer, const group_state& group) {
  answer.members.reserve(group.members().size());
  for (const auto& [id, member] : group.members()) {
    auto& m = answer.members.emplace_back();
    m.member_id = id;
    m.group_instance_id = member.instance_id;
    m.metadata = member.metadata(group.protocol_name().value_or(""));
  }
}

kafka::sync_group_response sync_refused(kafka_error error) {
  kafka::sync_group_response answer;
  answer.error_code = code_of(error);
  return answer;
}

kafka::sync_group_response sync_accepted(
  const group_state& group, const std::string& assignment) {
  kafka::sync_group_response answer;
  answer.protocol_type = group.protocol_type();
  answer.protocol_name = group.protocol_name();
  answer.assignment = assignment;
  return answer;
}

kafka::txn_offset_commit_response txn_offset_commit_answer(
  const kafka::txn_offset_commit_request& request, kafka_error error) {
  kafka::txn_offset_commit_response answer;
  answer.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& t = answer.topics.emplace_back();
    t.name = topic.name;
    for (const auto& partition : topic.partitions)
      t.partitions.push_back({partition.partition_index, code_of(error)});
  }
  return answer;
}

} // namespace millrace
