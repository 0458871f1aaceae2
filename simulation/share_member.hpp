#pragma once

// A member of a share group, life after life: it joins by
// ShareGroupHeartbeat, fetches what it is assigned, or everything, leaves or
// dies, and comes back as another one.

#include "schema/kafka/share_group_heartbeat.hpp"
#include "simulation/share_door.hpp"

#include <memory>
#include <optional>

namespace millrace {

class share_member {
public:
  explicit share_member(share_group_run& group);
  void start();
  /// It goes away, for good.
  void stop();
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }

private:
  void begin_life();
  void end_life();
  /// In this life only.
  void later(int64_t ms_max, void (share_member::*what)());
  void beat();
  void find_coordinator();
  void heartbeat(int32_t epoch);
  void take(const kafka::share_group_heartbeat_response* response);
  void poll();
  void turn_everywhere();

  share_group_run& group_;
  std::optional<cluster_client> client_;
  std::map<int32_t, std::unique_ptr<share_door>> doors_; ///< by node
  uint64_t life_ = 0;
  bool lives_ = false;
  bool stopped_ = false;
  bool is_greedy_ = false; ///< fetches what others are assigned, too
  sim_time ends_at_ = 0;   ///< of this life
  std::string id_;
  int32_t epoch_ = 0;
  int32_t coordinator_ = -1;
  std::set<int32_t> assigned_;
  /// In the next heartbeat, as the answer to the last one may be lost: only
  /// who says all is told all.
  bool says_all_ = true;
  std::string last_answer_;
};

} // namespace millrace
