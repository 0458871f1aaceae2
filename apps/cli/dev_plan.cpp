#include "apps/cli/dev_plan.hpp"

#include <algorithm>
#include <set>

namespace millrace::cli {
namespace {

constexpr uint16_t first_http_port = 8080;
constexpr uint16_t first_cluster_port = 19092;
/// How far to look beyond the ports that are taken.
constexpr int ports_tried_max = 1000;

/// Deals out the free ports from one on, no port twice.
class port_row {
public:
  port_row(uint16_t first, const port_test& is_free, std::set<uint16_t>& taken)
      : next_(first), is_free_(is_free), taken_(taken) {}

  /// 0 when none is left.
  uint16_t take() {
    for (; next_ <= UINT16_MAX && tried_ < ports_tried_max; ++tried_) {
      const auto port = static_cast<uint16_t>(next_++);
      if (!taken_.contains(port) && is_free_(port)) {
        taken_.insert(port);
        return port;
      }
    }
    return 0;
  }

private:
  uint32_t next_;
  int tried_ = 0;
  const port_test& is_free_;
  std::set<uint16_t>& taken_;
};

/// One controller alone, or three: two would need both.
size_t controller_count(size_t nodes) {
  return nodes < 3 ? 1 : 3;
}

std::string controllers_of(const std::vector<dev_node>& nodes) {
  std::string text;
  for (size_t i = 0; i < controller_count(nodes.size()); ++i)
    text += (i == 0 ? "" : ",") + std::to_string(nodes[i].id) + "@"
            + nodes[i].cluster.to_string();
  return text;
}

} // namespace

result<std::vector<dev_node>> plan_dev_nodes(
  const dev_options& options, const port_test& is_free) {
  if (options.nodes < 1 || options.nodes > dev_nodes_max)
    return error{errc::invalid_argument,
      "--nodes is a number from 1 to " + std::to_string(dev_nodes_max)};
  std::set<uint16_t> taken;
  port_row kafka{options.port, is_free, taken};
  port_row http{first_http_port, is_free, taken};
  port_row cluster{first_cluster_port, is_free, taken};
  std::vector<dev_node> nodes;
  for (int32_t id = 1; id <= options.nodes; ++id) {
    dev_node node;
    node.id = id;
    node.data_dir = options.data_dir + "/" + std::to_string(id);
    node.log = options.data_dir + "/" + std::to_string(id) + ".log";
    // `localhost` is listened for at both of its addresses; nodes are told
    // one that needs no look-up.
    node.kafka = {"localhost", kafka.take()};
    node.http = {"localhost", http.take()};
    node.cluster = {"127.0.0.1", cluster.take()};
    if (node.kafka.port == 0 || node.http.port == 0 || node.cluster.port == 0)
      return error{errc::already_exists,
        "too few ports are free on this machine; name another with --port"};
    nodes.push_back(std::move(node));
  }
  return nodes;
}

std::vector<std::string> serve_words(const dev_options& options,
  const std::vector<dev_node>& nodes, size_t index) {
  const auto& node = nodes[index];
  const auto copies = std::to_string(std::min<size_t>(nodes.size(), 3));
  std::vector<std::string> words{"serve", "--node-id", std::to_string(node.id),
    "--data-dir", node.data_dir, "--kafka", node.kafka.to_string(), "--http",
    node.http.to_string(), "--cluster", node.cluster.to_string(),
    "--controllers", controllers_of(nodes)};
  std::vector<std::string> settings{"default.replication.factor=" + copies,
    "offsets.topic.replication.factor=" + copies,
    nodes.size() < 3 ? "min.insync.replicas=1" : "min.insync.replicas=2"};
  if (!options.cluster_id.empty())
    settings.push_back("millrace.cluster.id=" + options.cluster_id);
  settings.insert(settings.end(), options.set.begin(), options.set.end());
  for (auto& setting : settings) {
    words.emplace_back("--set");
    words.push_back(std::move(setting));
  }
  return words;
}

std::string bootstrap_of(const std::vector<dev_node>& nodes) {
  std::string text;
  for (const auto& node : nodes)
    text += (text.empty() ? "" : ",") + node.kafka.to_string();
  return text;
}

} // namespace millrace::cli
