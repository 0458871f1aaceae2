#pragma once

// The group coordinator of one partition of __consumer_offsets: all its
// groups and their committed offsets, as one synchronous state machine.

#include "cluster/consumer_groups.hpp"
#include "cluster/group_config.hpp"
#include "cluster/group_effects.hpp"
#include "cluster/group_image.hpp"
#include "cluster/group_state.hpp"
#include "cluster/group_turn.hpp"
#include "cluster/offset_store.hpp"
#include "cluster/pending_offsets.hpp"
#include "cluster/share_groups.hpp"
#include "cluster/wake_schedule.hpp"
#include "schema/kafka_error.hpp"
#include "schema/result.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Classic consumer groups (KIP-62, 134, 345, 394, 429, 814), those whose
/// coordinator assigns (KIP-848, in consumer_groups), share groups (KIP-932, in
/// share_groups), offsets (KIP-211) and those that are committed with
/// transactions (KIP-98, 447), without clock, thread, disk or randomness of its
/// own.
///
/// Life: load() entries of an image and replay() what comes after it, then
/// finish_load(); then handle(), on_appended(), on_timer() in any order;
/// abandon() when the partition moves away. Every call returns what to append
/// and what to answer; each token is answered exactly once. An answer that
/// depends on records is given by on_appended() (R20).
class group_registry {
public:
  /// @param new_uuid where the ids of new members come from
  group_registry(group_config config, std::function<uuid()> new_uuid);
  group_registry(const group_registry&) = delete; // appends point back at it
  group_registry& operator=(const group_registry&) = delete;

  // From the log and its image, before finish_load().

  /// One entry of the image, as take_changes() gave it. Errors: corrupt.
  [[nodiscard]] result<void> load(std::string_view key, std::string_view value);
  /// One record of the log, in order; unknown kinds are ignored.
  /// Errors: corrupt, truncated, unsupported.
  [[nodiscard]] result<void> replay(const record_place& place,
    std::string_view key, std::optional<std::string_view> value);
  /// The end of a producer's transaction in the log, in order with records.
  void replay_marker(producer_id producer, bool commit);
  /// Starts to serve; the members that were there get a full session.
  void finish_load(int64_t now_ms, int64_t wall_ms);

  /// The topics from now on, for groups whose coordinator assigns. At any time.
  void set_topics(std::shared_ptr<const topic_view> topics) {
    shares_.set_topics(topics);
    consumers_.set_topics(std::move(topics));
  }
  /// What single groups are configured to from now on. At any time.
  void configure(const group_overrides& overrides) {
    shares_.configure(overrides);
    consumers_.configure(overrides);
  }

  // Requests. Precondition for all below: finish_load().

  [[nodiscard]] group_effects handle(
    const group_request_context& who, const kafka::join_group_request& request);
  [[nodiscard]] group_effects handle(
    const group_request_context& who, const kafka::sync_group_request& request);
  [[nodiscard]] group_effects handle(
    const group_request_context& who, const kafka::heartbeat_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::leave_group_request& request);
  /// Whether the topics exist is the caller's to check; so is the name of a
  /// topic given by id (v10), which goes back with the answer.
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::offset_commit_request& request);
  /// Whether the topics exist, and whether the transaction is open and this
  /// log a part of it (KIP-890), is the caller's to check.
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::txn_offset_commit_request& request);
  /// Topics given by id (v10) must have their names; so must the caller give
  /// ids to the topics in the answer to a request for all.
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::offset_fetch_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::offset_delete_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::describe_groups_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::list_groups_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::delete_groups_request& request);

  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::consumer_group_heartbeat_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::consumer_group_describe_request& request);

  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::explain_group_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::share_group_heartbeat_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::share_group_describe_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::describe_share_group_offsets_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::alter_share_group_offsets_request& request);
  [[nodiscard]] group_effects handle(const group_request_context& who,
    const kafka::delete_share_group_offsets_request& request);

  // Events.

  /// The answer to one of group_effects::share_orders.
  [[nodiscard]] group_effects on_share_state(uint64_t order_id,
    share_state_answer answer, int64_t now_ms, int64_t wall_ms);

  /// A producer's transaction is about to end in this log: the caller appends
  /// the marker with acks=all, after all effects so far, and says by the append
  /// id that this returns what became of it. Until then nothing changes.
  [[nodiscard]] uint64_t begin_marker(producer_id producer, bool commit);
  /// The append of `append_id` is durable (none) or has failed: applies the
  /// records or the marker, or drops them, and answers what waited. Appends
  /// that succeed end in order.
  /// @param base the offset of the first record, if it is durable
  [[nodiscard]] group_effects on_appended(uint64_t append_id, kafka_error error,
    offset base, int64_t now_ms, int64_t wall_ms);
  /// Does what is due.
  [[nodiscard]] group_effects on_timer(int64_t now_ms, int64_t wall_ms);
  /// When on_timer() is wanted, in monotonic time; perhaps too early.
  [[nodiscard]] std::optional<int64_t> next_deadline() const;
  /// Erases the offsets of topics that are gone.
  [[nodiscard]] group_effects on_topics_deleted(
    std::span<const std::string> topics, int64_t now_ms, int64_t wall_ms);
  /// Answers all that is parked with not_coordinator and forgets everything.
  [[nodiscard]] group_effects abandon(int64_t now_ms, int64_t wall_ms);

  /// What an image store must change to hold all that is durable (R20), since
  /// the last call.
  [[nodiscard]] std::vector<image_change> take_changes() {
    return image_.take_changes();
  }

  // For tests, metrics and the checkers of the simulation.

  [[nodiscard]] const std::map<std::string, group_state>& groups() const {
    return groups_;
  }
  [[nodiscard]] const consumer_groups& consumers() const {
    return consumers_;
  }
  [[nodiscard]] const share_groups& shares() const {
    return shares_;
  }
  [[nodiscard]] const offset_store& offsets() const {
    return offsets_;
  }
  [[nodiscard]] const pending_offsets& transactional() const {
    return transactional_;
  }

private:
  struct end_marker {
    producer_id producer;
    bool commit = false;
  };
  struct pending_append {
    std::vector<offsets_record> records;
    std::optional<batch_producer> transaction;
    std::optional<end_marker> marker; // and no records
    std::vector<group_turn::continuation> continuations;
    std::vector<std::string> groups;
  };

  [[nodiscard]] group_turn begin_turn(int64_t now_ms, int64_t wall_ms);
  [[nodiscard]] group_turn begin_turn(const group_request_context& who);
  /// Ends a turn that touched these groups.
  [[nodiscard]] group_effects end_turn(
    group_turn& turn, std::span<const std::string> touched = {});
  [[nodiscard]] group_effects end_turn(
    group_turn& turn, const std::string& touched) {
    return end_turn(turn, std::span{&touched, 1});
  }
  /// The one door into the durable state, for fresh and replayed records.
  [[nodiscard]] result<void> apply(uint64_t append_id,
    const offsets_record& record, const record_place& place, bool to_image);
  void drop(uint64_t append_id, const offsets_record& record, bool pending);
  void end_records(uint64_t append_id, const pending_append& append,
    kafka_error error, offset base);
  [[nodiscard]] group_state* find(const std::string& id);
  [[nodiscard]] group_state& find_or_create(const std::string& id);
  void schedule(const std::string& id);
  void remove_if_blank(const std::string& id);
  void append_offset(group_turn& turn, const offset_key& key,
    std::optional<committed_offset> value);

  // group_transactions.cpp
  [[nodiscard]] kafka_error check_commit(
    const kafka::txn_offset_commit_request& request);
  void append_pending(
    group_turn& turn, const offset_key& key, const committed_offset& value);
  void apply_offset(uint64_t append_id, const offset_key& key,
    std::optional<committed_offset> value, const record_place& place);
  void erase_pending(const offset_key& key, const record_place& place);
  /// The groups whose offsets it was about.
  std::vector<std::string> apply_marker(const end_marker& marker);

  // group_offsets.cpp
  [[nodiscard]] bool fits_record(
    const std::string& topic, std::string_view metadata) const;
  /// What of a group is committed or pending, counting what is appended.
  [[nodiscard]] std::set<offset_key> known_keys(const std::string& group) const;
  [[nodiscard]] kafka_error check_commit(const group_state* group,
    const group_request_context& who,
    const kafka::offset_commit_request& request) const;
  template <class Asked, class Answered>
  void fetch(const std::string& group,
    const std::optional<std::vector<Asked>>& asked, bool require_stable,
    std::vector<Answered>& answered) const;

  // group_consumers.cpp
  /// Whether it is a group whose coordinator assigns, with members: then
  /// requests of the classic protocol are for that.
  [[nodiscard]] bool is_assigned(const std::string& id) const;
  /// Whether the group is going over to the other protocol, which is not
  /// durable yet: nobody can be served meanwhile.
  [[nodiscard]] bool is_moving(const std::string& id) const {
    return moving_.contains(id);
  }
  /// Whether a classic group leaves its name to one whose coordinator assigns.
  [[nodiscard]] static bool gives_way(const group_state& group);
  /// A classic group with members becomes one whose coordinator assigns, as
  /// the first member comes that wants that; nothing changes if it is refused.
  [[nodiscard]] group_refusal upgrade(group_turn& turn,
    const group_request_context& who,
    const kafka::consumer_group_heartbeat_request& request);
  /// A group that only members of the classic protocol are left in becomes a
  /// classic one.
  void downgrade_if_due(group_turn& turn, const std::string& id);
  /// Takes a classic group out; its offsets stay.
  void retire(group_turn& turn, const std::string& id);
  /// Makes room for a classic group. Precondition: not is_assigned(id).
  void make_classic(group_turn& turn, const std::string& id);
  /// Answers once this append is durable; 0: at once.
  /// @param refuse makes an answer of an error
  template <class Response, class Refuse>
  void reply_after(group_turn& turn, uint64_t token,
    consumer_groups::answer<Response> answer, Refuse refuse);
  [[nodiscard]] group_effects handle_assigned(
    const group_request_context& who, const kafka::join_group_request& request);
  [[nodiscard]] group_effects handle_assigned(
    const group_request_context& who, const kafka::sync_group_request& request);
  [[nodiscard]] group_effects handle_assigned(
    const group_request_context& who, const kafka::heartbeat_request& request);
  [[nodiscard]] group_effects handle_assigned(const group_request_context& who,
    const kafka::leave_group_request& request);
  void run_after(
    uint64_t append_id, group_turn& turn, group_turn::continuation then);
  [[nodiscard]] partition_set named_partitions(
    const kafka::offset_commit_request& request) const;
  void erase_consumer_group(group_turn& turn, const std::string& id);
  void expire_consumer_offsets(
    group_turn& turn, int64_t wall_ms, std::vector<std::string>& touched);

  // group_shares.cpp
  /// Whether a group of another kind has this name, by all that is decided.
  [[nodiscard]] bool is_other_than_share(const std::string& id) const;

  // group_admin.cpp
  [[nodiscard]] kafka_error delete_group(
    group_turn& turn, const std::string& id);
  void erase_group(group_turn& turn, const std::string& id);

  // group_expiry.cpp
  void expire_offsets(group_turn& turn, std::vector<std::string>& touched);
  [[nodiscard]] bool expired(const group_state& group,
    const std::optional<std::set<std::string>>& subscribed,
    const std::string& topic, const committed_offset& value,
    int64_t wall_ms) const;

  group_config config_;
  std::function<uuid()> new_uuid_;
  std::map<std::string, group_state> groups_;
  consumer_groups consumers_;
  share_groups shares_;          // no name is in two of them
  std::set<std::string> moving_; // groups from one to the other
  offset_store offsets_;
  pending_offsets transactional_;
  group_image image_;
  std::map<uint64_t, pending_append> pending_;
  uint64_t next_append_id_ = 1;
  // Groups by when they want to be woken.
  wake_schedule wakes_;
  int64_t expiry_due_ms_ = never_ms;
  std::string expiry_cursor_; // the group after which to go on
  // The clocks when loading ended; R19.
  int64_t loaded_now_ms_ = 0;
  int64_t loaded_wall_ms_ = 0;
  // Only while loading: the last record of each group.
  bool loaded_ = false;
  std::map<std::string, kafka::group_metadata_value> loading_;
};

} // namespace millrace
