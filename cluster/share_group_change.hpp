#pragma once

// What can happen to a share group (KIP-932), step by step. Each step becomes
// records, and these are applied at once, so that the next one sees them: a
// decision in the making.

#include "cluster/group_config.hpp"
#include "cluster/share_group_state.hpp"
#include "cluster/topic_view.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

class share_group_change {
public:
  /// @param wall_ms since the Unix epoch: for what is written down
  share_group_change(share_group_state& group, int64_t wall_ms)
      : group_(group), wall_ms_(wall_ms) {}

  [[nodiscard]] const share_group_state& group() const {
    return group_;
  }
  /// All that has been emitted, in order.
  [[nodiscard]] const std::vector<share_group_record>& records() const {
    return records_;
  }

  // Of members.

  /// Writes down what a member says of itself, if that is new.
  void set_metadata(const share_group_member& member);
  /// Precondition: it is a member.
  void remove(const std::string& member_id);
  /// Starts the next epoch; with `changed` false only if topics that the
  /// group subscribes to have come, gone or grown. Whether it has.
  bool start_epoch(const topic_view& topics, bool changed);
  /// Computes the targets of a new epoch, unless the last ones are younger
  /// than the interval.
  void assign(const topic_view& topics, int32_t interval_ms);
  /// Gives a member its target at once. Precondition: it is a member.
  void reconcile(const std::string& member_id);

  // Of share partitions.

  using partition_name = std::pair<uuid, int32_t>;

  /// Those of subscribed topics that have no state yet are to get one.
  void initialize_subscribed(const topic_view& topics);
  /// The same of one. Precondition: it has none.
  void initialize(
    const uuid& topic, const std::string& name, int32_t partition);
  /// The coordinator of their states has them now.
  void initialized(const std::vector<partition_name>& partitions);
  /// The states of this topic are to be deleted.
  void start_deleting(const uuid& topic, const std::string& name);
  /// They are, or the topic is gone.
  void forget(const std::set<uuid>& topics);

  /// Takes the whole group out of the log.
  void erase();

private:
  using record_of = share_group_record;

  template <class Change>
  void emit(Change change);
  void emit_partitions(const share_group_partitions& partitions);
  [[nodiscard]] bool is_due(int32_t interval_ms) const;

  share_group_state& group_;
  int64_t wall_ms_;
  std::vector<share_group_record> records_;
};

} // namespace millrace
