#pragma once

// ConsumerGroupHeartbeat (KIP-848): by it a member joins, stays, learns what
// it is to own, says what it has given up, and leaves.

#include "cluster/consumer_group_moves.hpp"
#include "cluster/group_effects.hpp"

#include <string>

namespace millrace {

/// One heartbeat in one group. run() answers and changes what is latest in
/// the group; the answer may be given once records() are durable.
class consumer_group_heartbeat {
public:
  /// @param new_member_id for one that brings none (version 0)
  /// Precondition: check_heartbeat() has not refused it.
  consumer_group_heartbeat(consumer_group& group,
    const consumer_group_context& context, const group_request_context& who,
    const kafka::consumer_group_heartbeat_request& request,
    std::string new_member_id);

  [[nodiscard]] kafka::consumer_group_heartbeat_response run();
  [[nodiscard]] const std::vector<consumer_group_record>& records() const {
    return moves_.records();
  }

private:
  using response = kafka::consumer_group_heartbeat_response;

  [[nodiscard]] group_refusal admit();
  [[nodiscard]] group_refusal admit_dynamic();
  [[nodiscard]] group_refusal admit_static();
  [[nodiscard]] consumer_group_member updated() const;
  [[nodiscard]] response stay();
  [[nodiscard]] response leave();
  [[nodiscard]] bool is_full_request() const;
  [[nodiscard]] int32_t heartbeat_interval_ms() const;

  consumer_group& group_;
  const consumer_group_context& context_;
  const group_request_context& who_;
  const kafka::consumer_group_heartbeat_request& request_;
  consumer_group_moves moves_;
  std::string id_;
  owned_claim owned_;
};

/// How a heartbeat that cannot be served is answered.
[[nodiscard]] kafka::consumer_group_heartbeat_response heartbeat_refused(
  group_refusal refusal);

} // namespace millrace
