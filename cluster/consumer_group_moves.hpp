#pragma once

// What the requests of members do to a consumer group (KIP-848), in whichever
// protocol they come.

#include "cluster/consumer_group.hpp"
#include "cluster/consumer_group_change.hpp"
#include "cluster/consumer_group_request.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

/// What a decision about a consumer group may use beside the group.
struct consumer_group_context {
  const consumer_group_config& config;
  const topic_view& topics;
  int64_t now_ms = 0;  ///< monotonic
  int64_t wall_ms = 0; ///< since the Unix epoch
};

/// One decision about one group. It changes what is latest in the group, its
/// sessions and its list of rebalances; records() must become durable.
class consumer_group_moves {
public:
  consumer_group_moves(
    consumer_group& group, const consumer_group_context& context);

  /// As it is by now.
  [[nodiscard]] const consumer_group_state& group() const {
    return change_.group();
  }
  [[nodiscard]] const std::vector<consumer_group_record>& records() const {
    return change_.records();
  }

  /// group_max_size_reached if a member with this id were one too many.
  [[nodiscard]] group_refusal check_room(const std::string& id) const;
  /// Gives the place of a static member to `new_id`. Precondition: `old_id`
  /// is a member.
  void replace(const std::string& old_id, const std::string& new_id);
  /// A member comes, or says who it is and what it owns: it gets a full
  /// session, and takes the next step towards its target.
  /// @param member with what it says of itself; the rest counts for nothing
  void update(const consumer_group_member& member, const owned_claim& owned);
  /// A static member goes for a while. Precondition: it is a member.
  void go_away(const std::string& id);
  /// They go for good. Precondition: they are members.
  void remove(const std::vector<consumer_group::departure>& members);

private:
  void update_epoch(
    const consumer_group_member& before, const consumer_group_member& now);
  [[nodiscard]] bool start_epoch(bool changed);
  void set_deadlines(
    const consumer_group_member& before, const consumer_group_member& after);

  consumer_group& group_;
  const consumer_group_context& context_;
  consumer_group_change change_;
};

/// Takes members out whose time is over.
/// Returns what must become durable.
[[nodiscard]] std::vector<consumer_group_record> expire_members(
  consumer_group& group, const consumer_group_context& context);

} // namespace millrace
