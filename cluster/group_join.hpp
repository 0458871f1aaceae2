#pragma once

// JoinGroup: who may come in, under which id, and what it sets off.

#include "cluster/group_rebalance.hpp"
#include "schema/kafka/join_group.hpp"
#include "schema/types.hpp"

#include <functional>
#include <string>
#include <vector>

namespace millrace {

/// Serves one JoinGroup in one turn. It is answered at once, or parked in the
/// group until the rebalance completes, or until a record is durable.
class group_join {
public:
  /// @param new_uuid where the ids of new members come from
  group_join(group_state& group, group_turn& turn,
    const group_request_context& who, const kafka::join_group_request& request,
    const std::function<uuid()>& new_uuid);

  void run();

private:
  [[nodiscard]] bool has_room() const;
  void join_new();
  void join_known();
  void add_member(const std::string& id);
  void rejoin(const std::string& id);
  void replace_static(const std::string& old_id);
  void persist_static(const std::string& old_id, const group_member& before);
  void answer_current(const std::string& id, bool with_members);
  void refuse(kafka_error error);
  void supersede_join(const std::string& id, kafka_error error);
  [[nodiscard]] parked_request parked() const {
    return {who_.token, who_.version};
  }
  [[nodiscard]] std::string make_id() const;

  group_state& group_;
  group_turn& turn_;
  group_rebalance rebalance_;
  const group_request_context& who_;
  const kafka::join_group_request& request_;
  const std::function<uuid()>& new_uuid_;
  std::vector<group_protocol> protocols_;
  int32_t rebalance_timeout_ms_;
};

} // namespace millrace
