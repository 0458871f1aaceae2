#pragma once

// A client of a simulated cluster for tests that wait for one thing after the
// other: each call runs the cluster until it is answered.

#include "actors/custom_actor.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/metadata.hpp"
#include "simulation/sim_client.hpp"
#include "simulation/sim_cluster.hpp"

#include <map>
#include <memory>
#include <vector>

namespace millrace::testing {

class fixture_client {
public:
  /// @param wait runs the cluster until a condition holds, or throws with
  /// what is missing
  using wait_function = std::function<void(
    const std::function<bool()>& condition, const std::string& what)>;

  fixture_client(sim_cluster& cluster, wait_function wait);

  void create_topic(const std::string& name, int32_t partitions);
  void produce(const std::string& topic, int32_t partition,
    const std::optional<std::string>& key,
    const std::optional<std::string>& value);
  std::vector<topic_record> consume(const std::string& topic);
  /// The node with this index has ended.
  void node_ended(int32_t index) {
    links_.at(static_cast<size_t>(index))->break_all();
  }

private:
  struct partition_view {
    int32_t partition = 0;
    int32_t leader = -1; ///< index of a node
  };

  /// Asks one node, and waits for its answer; none: it has not come.
  template <class Response, class Request>
  std::optional<Response> ask(int32_t node, kafka::api_key key, int16_t version,
    const Request& body, const std::string& what);
  /// Does `attempt` until it succeeds, with virtual time between.
  void repeat(const std::function<bool()>& attempt, const std::string& what);
  /// None: nobody has said. Empty: there is no such topic.
  std::optional<std::vector<partition_view>> partitions_of(
    const std::string& topic);
  [[nodiscard]] std::optional<int64_t> first_offset(
    const std::string& topic, const partition_view& from);
  bool consume(const std::string& topic, const partition_view& from,
    std::vector<topic_record>& to);
  int32_t next_node();

  sim_cluster& cluster_;
  wait_function wait_;
  std::vector<std::unique_ptr<sim_link>> links_;
  std::vector<std::unique_ptr<sim_client>> connections_;
  int32_t turn_ = 0;
};

} // namespace millrace::testing
