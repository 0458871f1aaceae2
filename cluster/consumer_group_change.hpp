#pragma once

// What can happen to a consumer group (KIP-848), step by step. Each step
// becomes records, and these are applied at once, so that the next one sees
// them: a decision in the making.

#include "cluster/consumer_group_reconciler.hpp"
#include "cluster/group_config.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

class consumer_group_change {
public:
  /// @param wall_ms since the Unix epoch: for what is written down
  consumer_group_change(consumer_group_state& group, const topic_view& topics,
    const consumer_group_config& config, int64_t wall_ms)
      : group_(group), topics_(topics), config_(config), wall_ms_(wall_ms) {}

  [[nodiscard]] const consumer_group_state& group() const {
    return group_;
  }
  /// All that has been emitted, in order.
  [[nodiscard]] const std::vector<consumer_group_record>& records() const {
    return records_;
  }

  /// Writes down what a member says of itself, if that is new.
  void set_metadata(const consumer_group_member& member);
  /// Gives the place of a static member to `new_id`, which begins at epoch 0
  /// with all that was the old one's. Precondition: `old_id` is a member.
  void replace(const std::string& old_id, const std::string& new_id);
  /// A static member goes for a while: it keeps what it is assigned.
  /// Precondition: it is a member.
  void go_away(const std::string& member_id);
  /// Precondition: it is a member.
  void remove(const std::string& member_id);
  /// Matches regular expressions that are new, and with `all` the others
  /// again; forgets those that nobody uses. Whether any matches other topics
  /// than before.
  bool resolve_regexes(bool all);
  /// Starts the next epoch; with `changed` false only if topics that the
  /// group subscribes to have come, gone or grown. Whether it has.
  bool start_epoch(bool changed);
  /// Computes the targets of a new epoch; if it is not `urgent`, unless the
  /// last ones are younger than the assignment interval.
  void assign(bool urgent);
  /// One step of a member towards its target. Precondition: it is a member.
  void reconcile(const std::string& member_id, const owned_claim& owned);
  /// Takes the whole group out of the log.
  void erase();

private:
  using record_of = consumer_group_record;

  template <class Change>
  void emit(Change change);
  void emit_current(const consumer_group_member& member);
  void emit_target(const std::string& member_id, const partition_set& target);
  [[nodiscard]] bool is_due(bool urgent) const;

  consumer_group_state& group_;
  const topic_view& topics_;
  const consumer_group_config& config_;
  int64_t wall_ms_;
  std::vector<consumer_group_record> records_;
};

} // namespace millrace
