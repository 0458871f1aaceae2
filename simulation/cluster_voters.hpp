#pragma once

// Changes who votes on the metadata, at any time: learners become voters, and
// voters learners. Never fewer than three of them vote, so that one may be
// lost.

#include "schema/kafka/describe_quorum.hpp"
#include "simulation/cluster_client.hpp"

#include <string>

namespace millrace {

class cluster_voters {
public:
  explicit cluster_voters(cluster_clients& all);

  /// One more change every now and then, until clients stop.
  void start();
  [[nodiscard]] bool idle() const {
    return idle_;
  }
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }
  /// Changes that were acknowledged.
  [[nodiscard]] uint64_t changes() const {
    return changes_;
  }

private:
  using described = kafka::describe_quorum_response;

  void look();
  void choose(const described::described_partition& now);
  void add(const described::replica_state& member);
  void remove(const described::replica_state& member);
  /// @param answered if not, it may still come about
  void ended(bool answered, int16_t code, const std::string& what);

  cluster_clients& all_;
  cluster_client client_;
  uint64_t changes_ = 0;
  bool idle_ = true;
  std::string last_answer_;
};

} // namespace millrace
