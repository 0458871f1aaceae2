#pragma once

// Configures a share group before it begins, and asks its coordinator how far
// it has come.

#include "schema/kafka/describe_share_group_offsets.hpp"
#include "simulation/share_door.hpp"

#include <functional>

namespace millrace {

class share_group_admin {
public:
  explicit share_group_admin(share_group_run& group);
  /// The group begins at the beginning, whatever it takes; then calls `done`.
  void configure(std::function<void()> done);
  /// Asks until everything has been dealt with that the partitions have, and
  /// has the book judge it; then calls `done`. Precondition: nobody writes.
  void await_end(std::function<void()> done);
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }

private:
  void ask(std::function<void()> done);
  [[nodiscard]] bool take(
    const kafka::describe_share_group_offsets_response* response);

  share_group_run& group_;
  cluster_client client_;
  int32_t coordinator_ = -1;
  std::string last_answer_;
};

} // namespace millrace
