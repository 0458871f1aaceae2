#pragma once

// ShareGroupHeartbeat (KIP-932): by it a member joins, stays, learns what it
// has, and leaves.

#include "cluster/consumer_group_request.hpp"
#include "cluster/share_group.hpp"
#include "cluster/share_group_change.hpp"
#include "schema/kafka/share_group_heartbeat.hpp"

#include <string>

namespace millrace {

/// What a decision about a share group may use beside the group.
struct share_group_context {
  const share_group_config& config;
  const topic_view& topics;
  int64_t now_ms = 0;  ///< monotonic
  int64_t wall_ms = 0; ///< since the Unix epoch
};

/// Whether the request makes sense by itself: invalid_request.
[[nodiscard]] group_refusal check_heartbeat(
  const kafka::share_group_heartbeat_request& request);

/// One heartbeat in one group. run() answers and changes what is latest in
/// the group; the answer may be given once records() are durable.
class share_group_heartbeat {
public:
  /// Precondition: check_heartbeat() has not refused it.
  share_group_heartbeat(share_group& group, const share_group_context& context,
    const group_request_context& who,
    const kafka::share_group_heartbeat_request& request)
      : group_(group), context_(context), who_(who), request_(request),
        change_(group.states.latest(), context.wall_ms) {}

  [[nodiscard]] kafka::share_group_heartbeat_response run();
  [[nodiscard]] const std::vector<share_group_record>& records() const {
    return change_.records();
  }

private:
  using response = kafka::share_group_heartbeat_response;

  [[nodiscard]] group_refusal admit() const;
  [[nodiscard]] share_group_member updated() const;
  [[nodiscard]] response stay();
  [[nodiscard]] response leave();
  void update_epoch(const share_group_member& before, bool is_new);
  [[nodiscard]] int32_t heartbeat_interval_ms() const;

  share_group& group_;
  const share_group_context& context_;
  const group_request_context& who_;
  const kafka::share_group_heartbeat_request& request_;
  share_group_change change_;
};

/// Takes members out whose time is over.
/// Returns what must become durable.
[[nodiscard]] std::vector<share_group_record> expire_members(
  share_group& group, const share_group_context& context);

/// How a heartbeat that cannot be served is answered.
[[nodiscard]] kafka::share_group_heartbeat_response share_heartbeat_refused(
  group_refusal refusal);

} // namespace millrace
