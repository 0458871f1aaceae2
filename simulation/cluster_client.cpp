#include "simulation/cluster_client.hpp"

#include "schema/kafka/find_coordinator.hpp"
#include "schema/kafka/metadata.hpp"
#include "schema/kafka_error.hpp"

namespace millrace {

namespace {

constexpr sim_time request_timeout = 6 * sim_second;

} // namespace

cluster_clients::cluster_clients(sim_cluster& c, sim_history& h)
    : cluster(c), world(c.world()), history(h) {
  for (int32_t i = 0; i < c.size(); ++i)
    links.push_back(std::make_unique<sim_link>(world, c.node(i)));
}

void cluster_clients::later(int64_t ms_max, std::function<void()> what) {
  world.after(
    static_cast<sim_time>(world.random(static_cast<uint64_t>(ms_max) * sim_ms)),
    std::move(what));
}

cluster_client::cluster_client(cluster_clients& all)
    : cluster_client(all, all.topic) {}

cluster_client::cluster_client(cluster_clients& all, std::string topic)
    : all_(all), topic_(std::move(topic)) {}

sim_client& cluster_client::connection_to(int32_t node) {
  auto& c = connections_[node];
  if (c == nullptr)
    c = std::make_unique<sim_client>(
      all_.world, *all_.links.at(static_cast<size_t>(node)), request_timeout);
  return *c;
}

int32_t cluster_client::any_node() {
  return static_cast<int32_t>(
    all_.world.random(static_cast<uint64_t>(all_.cluster.size())));
}

int32_t cluster_client::index_of(int32_t id, const std::string& host) {
  if (id < 1 || id > all_.cluster.size()
      || host != sim_client_endpoint(node_id{id}).host) {
    all_.history.fail("nodes are named where they are: " + std::to_string(id)
                      + " was said to be at " + host);
    return -1;
  }
  return id - 1;
}

void cluster_client::find_coordinator(int8_t key_type, const std::string& key,
  std::function<void(int32_t, const std::string&)> done) {
  kafka::find_coordinator_request body;
  body.key_type = key_type;
  body.coordinator_keys = {key};
  request<kafka::find_coordinator_response>(any_node(),
    kafka::api_key::find_coordinator, 4, body,
    [this, done = std::move(done)](
      const kafka::find_coordinator_response* response) {
      if (response == nullptr || response->coordinators.empty()) {
        done(-1, "nobody tells the coordinator");
        return;
      }
      const auto& c = response->coordinators.front();
      if (c.error_code != 0)
        done(-1, std::string{"FindCoordinator: "}
                   + to_string(static_cast<kafka_error>(c.error_code)));
      else
        done(index_of(c.node_id, c.host), {});
    });
}

cluster_client::lead cluster_client::leader_of(int32_t partition) const {
  const auto at = leads_.find(partition);
  return at == leads_.end() ? lead{} : at->second;
}

void cluster_client::forget(int32_t partition) {
  leads_[partition].node = -1;
}

void cluster_client::with_leader(
  int32_t partition, std::function<void(lead)> then) {
  if (const auto known = leader_of(partition); known.node >= 0) {
    then(known);
    return;
  }
  refresh([this, partition, then = std::move(then)] {
    then(leader_of(partition));
  });
}

void cluster_client::refresh(std::function<void()> done) {
  kafka::metadata_request request;
  request.topics->emplace_back().name = topic_;
  request.allow_auto_topic_creation = false;
  this->request<kafka::metadata_response>(any_node(), kafka::api_key::metadata,
    12, request,
    [this, done = std::move(done)](const kafka::metadata_response* response) {
      if (response != nullptr && !response->topics.empty()) {
        std::map<int32_t, int32_t> nodes;
        for (const auto& b : response->brokers)
          nodes[b.node_id] = index_of(b.node_id, b.host);
        for (const auto& p : response->topics.front().partitions) {
          auto& known = leads_[p.partition_index];
          const auto at = nodes.find(p.leader_id);
          // A node that is behind names a leader of before.
          if (at == nodes.end() || p.leader_epoch < known.epoch)
            continue;
          if (known.epoch >= 0 && p.leader_epoch > known.epoch)
            ++all_.moves;
          known = {at->second, p.leader_epoch};
        }
      }
      done();
    });
}

} // namespace millrace
