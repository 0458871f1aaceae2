#pragma once

// Makes the topics of a run, and meanwhile makes, widens, changes and deletes
// others at any node, and moves replicas and leaders of all of them. What was
// acknowledged must be so in the end, on every node.

#include "simulation/cluster_client.hpp"
#include "simulation/config_changes.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace {

class cluster_admin {
public:
  cluster_admin(cluster_clients& all, int16_t replication_factor);

  /// Makes a topic that stays, whatever it takes; then calls `done`.
  void make_topic(const std::string& name, std::function<void()> done);
  /// One more action every now and then, until clients stop.
  void start();
  [[nodiscard]] bool idle() const {
    return idle_;
  }
  /// Compares what every node says; calls `done` when all agree.
  void check(std::function<void()> done);
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }
  [[nodiscard]] uint64_t actions() const {
    return actions_;
  }
  /// Partitions that were given other replicas.
  [[nodiscard]] uint64_t reassignments() const {
    return reassignments_;
  }

  /// Changes of configurations that were acknowledged.
  [[nodiscard]] uint64_t config_changes() const {
    return config_changes_;
  }

private:
  /// What is known of a topic.
  enum class fate : uint8_t { there, gone, unknown };
  struct topic_state {
    fate is = fate::unknown;
    int32_t partitions_min = 0; ///< acknowledged
    int32_t partitions_max = 0; ///< asked for
  };

  void act();
  [[nodiscard]] const std::string& some_kept();
  void create(const std::string& name, int32_t partitions,
    std::function<void(bool)> done);
  void remove(const std::string& name);
  void widen(const std::string& name);
  void configure(const admin_config_change& change);
  void reassign(const std::string& name);
  void elect();
  void acted(bool known, const std::string& what);
  void check_node(int32_t node, std::function<void()> done);
  [[nodiscard]] std::string difference(
    const std::map<std::string, int32_t>& seen) const;

  cluster_clients& all_;
  cluster_client client_;
  int16_t replication_factor_;
  std::map<std::string, topic_state> topics_;
  std::vector<std::string> kept_; ///< topics that hold clients' records
  uint64_t next_name_ = 0;
  uint64_t actions_ = 0;
  uint64_t reassignments_ = 0;
  uint64_t config_changes_ = 0;
  bool idle_ = true;
  std::string last_answer_;
};

} // namespace millrace
