#pragma once

// Commits rising offsets for one group at whatever node coordinates it, and
// looks what is committed.

#include "simulation/cluster_client.hpp"

namespace millrace {

class cluster_committer {
public:
  explicit cluster_committer(cluster_clients& all);
  void start();
  [[nodiscard]] bool idle() const {
    return idle_;
  }
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }

private:
  void find_coordinator();
  void next();
  void commit();
  void fetch();
  void take(int64_t found);
  void lose_coordinator(const std::string& why);

  cluster_clients& all_;
  cluster_client client_;
  int32_t coordinator_ = -1;
  int64_t last_sent_ = -1;
  bool commits_next_ = true;
  bool idle_ = true;
  std::string last_answer_;
};

} // namespace millrace
