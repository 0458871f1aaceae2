#pragma once

// A member of a classic consumer group with eager, range assignment: joins,
// keeps itself alive, commits, leaves.

#include "apps/client/cluster.hpp"
#include "schema/kafka_error.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace::client {

using committed_offsets = std::map<topic_partition, int64_t>;

/// Offsets that `group` has committed for these partitions; those without
/// one are left out. Errors: offline, others as the server says.
[[nodiscard]] result<committed_offsets> fetch_committed(cluster& nodes,
  const std::string& group, const std::vector<topic_partition>& partitions);

struct group_member_options {
  std::string group;
  std::vector<std::string> topics;
  std::string instance_id; ///< empty = a dynamic member (KIP-345)
  int32_t session_timeout_ms = 10000;
  int32_t rebalance_timeout_ms = 30000;
};

/// Everything happens inside keep_up(), which its owner calls at least once
/// a second; there is no thread.
class group_member {
public:
  group_member(cluster& nodes, group_member_options options);

  /// Joins where that is due, and sends a heartbeat where one is. Returns
  /// true when the assignment is a new one; positions of before are void.
  /// Errors: offline once the time-out has passed, others as the server says.
  [[nodiscard]] result<bool> keep_up();
  /// Whether keep_up() is going to join anew: commit before it.
  [[nodiscard]] bool rejoining() const {
    return generation_ < 0 || rejoin_;
  }

  [[nodiscard]] const std::vector<topic_partition>& assignment() const {
    return assignment_;
  }

  /// Commits next offsets to read. A commit that is late for its generation
  /// is not an error: another member has the partition now.
  [[nodiscard]] result<void> commit(const committed_offsets& next);
  /// Leaves, so that others need not wait for the session's end.
  void leave();

private:
  [[nodiscard]] result<void> join();
  [[nodiscard]] result<void> join_once(int timeout_ms);
  [[nodiscard]] result<void> sync(
    kafka::join_group_response& joined, int timeout_ms);
  [[nodiscard]] result<void> heartbeat();
  void note(kafka_error code);

  cluster& nodes_;
  group_member_options options_;
  std::string member_id_;
  int32_t generation_ = -1;
  bool rejoin_ = false;
  int64_t heartbeat_due_ms_ = 0;
  std::vector<topic_partition> assignment_;
};

} // namespace millrace::client
