#include "cluster/reassignment_answers.hpp"

namespace millrace {

namespace {

using response = kafka::list_partition_reassignments_response;

std::vector<int32_t> numbers(const std::vector<node_id>& nodes) {
  std::vector<int32_t> all;
  for (const auto id : nodes)
    all.push_back(id.value);
  return all;
}

void add(
  response::ongoing_topic_reassignment& to, const partition_registration* p) {
  if (p != nullptr && (!p->adding.empty() || !p->removing.empty()))
    to.partitions.push_back({p->index, numbers(p->replicas), numbers(p->adding),
      numbers(p->removing)});
}

} // namespace

response answer_list_reassignments(
  const kafka::list_partition_reassignments_request& request,
  const metadata_image& image) {
  response answer;
  const auto keep = [&](response::ongoing_topic_reassignment topic) {
    if (!topic.partitions.empty())
      answer.topics.push_back(std::move(topic));
  };
  if (!request.topics) {
    for (const auto& [name, topic] : image.topics()) {
      response::ongoing_topic_reassignment found{name, {}};
      for (const auto& p : topic->partitions)
        add(found, &p);
      keep(std::move(found));
    }
    return answer;
  }
  for (const auto& wanted : *request.topics) {
    response::ongoing_topic_reassignment found{wanted.name, {}};
    if (const auto* topic = image.find_topic(wanted.name))
      for (const auto index : wanted.partition_indexes)
        add(found, image.find_partition(topic->id, index));
    keep(std::move(found));
  }
  return answer;
}

} // namespace millrace
