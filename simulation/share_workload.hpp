#pragma once

// A share group in a run of a cluster: members that come and go, and read the
// run's topic until nothing is left of it.

#include "simulation/share_group_admin.hpp"
#include "simulation/share_invariants.hpp"
#include "simulation/share_member.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace millrace {

class share_workload {
public:
  /// What nodes are to be told: locks that end while a run goes on.
  [[nodiscard]] static std::map<std::string, std::string> settings(
    int32_t replicas);

  share_workload(cluster_clients& all, share_invariants& inside);
  void start();
  /// Nobody writes any more.
  void finish();
  [[nodiscard]] bool done() const {
    return done_;
  }
  [[nodiscard]] const std::string& violation() const {
    return group_.book.violation();
  }
  /// Records whose delivery is known to have ended.
  [[nodiscard]] uint64_t ended() const {
    return group_.book.ended();
  }
  [[nodiscard]] std::string last_answer() const;

private:
  share_group_run group_;
  share_group_admin admin_;
  std::vector<std::unique_ptr<share_member>> members_;
  bool done_ = false;
};

} // namespace millrace
