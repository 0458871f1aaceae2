#include "apps/client/cluster.hpp"

#include "apps/client/refusal.hpp"

#include <algorithm>

namespace millrace::client {
namespace {

/// A connection is tried for this long before the next address.
constexpr int connect_timeout_ms_max = 5000;
/// How long a topic that is being created may stay unknown.
constexpr int creation_timeout_ms_max = 5000;

topic_info info_of(const kafka::metadata_response::metadata_response_topic& t) {
  topic_info topic{t.name.value_or(""), t.topic_id, t.is_internal, {}};
  for (const auto& p : t.partitions)
    topic.partitions.push_back({p.partition_index, p.leader_id, p.leader_epoch,
      p.replica_nodes, p.isr_nodes});
  std::sort(topic.partitions.begin(), topic.partitions.end(),
    [](const auto& a, const auto& b) {
      return a.index < b.index;
    });
  return topic;
}

} // namespace

int retry_loop::remaining_ms() const {
  return static_cast<int>(std::max<int64_t>(1, deadline_ms_ - steady_ms()));
}

bool retry_loop::wait() {
  if (steady_ms() + backoff_ms_ >= deadline_ms_)
    return false;
  pause_ms(backoff_ms_);
  backoff_ms_ = std::min<int64_t>(backoff_ms_ * 2, 1000);
  return true;
}

cluster::cluster(cluster_options options) : options_(std::move(options)) {}

result<broker_connection*> cluster::any() {
  for (auto& [id, open] : nodes_)
    if (open)
      return open.get();
  if (bootstrap_)
    return bootstrap_.get();
  error last{errc::invalid_argument, "no server was named by --bootstrap"};
  const int timeout_ms = std::min(options_.timeout_ms, connect_timeout_ms_max);
  for (const auto& at : options_.bootstrap) {
    auto opened = broker_connection::open(at, options_.client_id, timeout_ms);
    if (opened) {
      bootstrap_ = std::make_unique<broker_connection>(std::move(*opened));
      return bootstrap_.get();
    }
    last = opened.error();
  }
  return last;
}

result<broker_connection*> cluster::node(int32_t id) {
  if (auto found = nodes_.find(id); found != nodes_.end() && found->second)
    return found->second.get();
  if (!brokers_.contains(id)) {
    if (auto known = fetch_topics(std::vector<std::string>{}); !known)
      return known.error();
  }
  const auto found = brokers_.find(id);
  if (found == brokers_.end())
    return error{errc::offline,
      "node " + std::to_string(id) + " is not in the cluster's metadata"};
  auto opened = broker_connection::open(found->second.at, options_.client_id,
    std::min(options_.timeout_ms, connect_timeout_ms_max));
  if (!opened)
    return opened.error();
  auto& place = nodes_[id];
  place = std::make_unique<broker_connection>(std::move(*opened));
  return place.get();
}

result<broker_connection*> cluster::controller() {
  if (brokers_.empty())
    if (auto known = fetch_topics(std::vector<std::string>{}); !known)
      return known.error();
  if (!brokers_.contains(controller_id_))
    return any();
  return node(controller_id_);
}

result<broker_connection*> cluster::coordinator(const std::string& group) {
  if (auto known = coordinators_.find(group); known != coordinators_.end())
    return node(known->second);
  auto asked = any();
  if (!asked)
    return asked.error();
  kafka::find_coordinator_request request;
  request.key = group;
  auto answer = (*asked)->call(request, options_.timeout_ms);
  if (!answer) {
    drop(*asked);
    return answer.error();
  }
  if (answer->error_code != 0)
    return refused(answer->error_code,
      "find the coordinator of group '" + group + "'", answer->error_message);
  brokers_[answer->node_id] = {
    answer->node_id, {answer->host, static_cast<uint16_t>(answer->port)}, {}};
  coordinators_[group] = answer->node_id;
  return node(answer->node_id);
}

void cluster::drop(broker_connection* connection) {
  if (bootstrap_.get() == connection)
    bootstrap_.reset();
  std::erase_if(nodes_, [&](const auto& n) {
    return n.second.get() == connection;
  });
}

void cluster::drop_all() {
  bootstrap_.reset();
  nodes_.clear();
  coordinators_.clear();
  brokers_.clear();
}

result<kafka::metadata_response> cluster::ask_metadata(
  const kafka::metadata_request& request) {
  return with_retries(
    options_.timeout_ms, [&](int ms) -> result<kafka::metadata_response> {
      auto to = any();
      if (!to)
        return to.error();
      auto answer = (*to)->call(request, ms);
      if (!answer)
        drop(*to);
      return answer;
    });
}

result<std::vector<topic_info>> cluster::fetch_topics(
  const std::optional<std::vector<std::string>>& names, bool create) {
  kafka::metadata_request request;
  request.allow_auto_topic_creation = create;
  request.topics.reset(); // null asks for all
  if (names) {
    request.topics.emplace();
    for (const auto& name : *names)
      request.topics->push_back({{}, name});
  }
  auto answer = ask_metadata(request);
  if (!answer)
    return answer.error();
  brokers_.clear();
  for (const auto& b : answer->brokers)
    brokers_[b.node_id] = {
      b.node_id, {b.host, static_cast<uint16_t>(b.port)}, b.rack.value_or("")};
  cluster_id_ = answer->cluster_id.value_or("");
  controller_id_ = answer->controller_id;
  std::vector<topic_info> topics;
  for (const auto& t : answer->topics) {
    if (t.error_code == 0)
      topics.push_back(info_of(t));
    else if (names)
      return refused(t.error_code, "use topic '" + t.name.value_or("") + "'");
  }
  return topics;
}

result<topic_info> cluster::fetch_topic(const std::string& name, bool create) {
  const std::vector<std::string> names{name};
  for (retry_loop loop{std::min(options_.timeout_ms,
         create ? creation_timeout_ms_max : options_.timeout_ms)};
    ;) {
    auto topics = fetch_topics(names, create);
    if (topics && !topics->empty())
      return std::move(topics->front());
    error why = topics ? refused(kafka_error::unknown_topic_or_partition,
                           "use topic '" + name + "'")
                       : topics.error();
    const bool again
      = why.code == errc::offline || (create && why.code == errc::not_found);
    if (!again || !loop.wait())
      return why;
  }
}

} // namespace millrace::client
