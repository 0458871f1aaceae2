#pragma once

// One classic consumer group: who is in it, what they agreed on, and who
// waits for what. It keeps the books; group_rebalance moves it.

#include "cluster/group_member.hpp"
#include "cluster/rebalance_log.hpp"
#include "schema/kafka/group_metadata_record.hpp"
#include "schema/kafka_error.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Where a group is between two generations.
///
/// empty -> preparing_rebalance (members join) -> completing_rebalance (the
/// leader assigns) -> stable; back to preparing_rebalance whenever the members
/// change, and from there to empty when none is left. A group that is gone
/// is not in the registry; Kafka calls it Dead.
enum class group_phase : uint8_t {
  empty,
  preparing_rebalance,
  completing_rebalance,
  stable,
};

/// As Kafka writes it: `PreparingRebalance`.
[[nodiscard]] const char* to_string(group_phase phase);

/// Never; for deadlines.
inline constexpr int64_t never_ms = std::numeric_limits<int64_t>::max();

/// The type of the protocol that consumers use, of all that may be told in
/// JoinGroup.
inline constexpr const char* consumer_protocol = "consumer";

class group_state {
public:
  /// The first rebalance of an empty group goes on for as long as new
  /// members come, up to the rebalance time-out.
  struct initial_delay {
    int64_t delay_ms = 0;
    int64_t remaining_ms = 0;
    bool member_added = false;
  };

  explicit group_state(std::string id) : id_(std::move(id)) {}
  /// The group that a record tells of: stable where it has members, whose
  /// sessions start now.
  group_state(
    std::string id, const kafka::group_metadata_value& record, int64_t now_ms);

  /// A stable group of consumers in this generation, each with what it is
  /// assigned, whose sessions start now.
  /// Precondition: there are members, with a protocol that all know.
  group_state(std::string id, std::vector<group_member> members,
    int32_t generation, int64_t now_ms, int64_t wall_ms);

  [[nodiscard]] const std::string& id() const {
    return id_;
  }
  [[nodiscard]] group_phase phase() const {
    return phase_;
  }
  /// Which generation; rises by one with each completed join.
  [[nodiscard]] int32_t generation() const {
    return generation_;
  }
  /// `consumer`, `connect`, ...; nothing for a group that only keeps offsets.
  [[nodiscard]] const std::optional<std::string>& protocol_type() const {
    return protocol_type_;
  }
  /// The protocol of this generation.
  [[nodiscard]] const std::optional<std::string>& protocol_name() const {
    return protocol_name_;
  }
  [[nodiscard]] const std::string& leader() const {
    return leader_;
  }
  [[nodiscard]] bool is_leader(std::string_view member_id) const {
    return !member_id.empty() && leader_ == member_id;
  }
  [[nodiscard]] const std::map<std::string, group_member>& members() const {
    return members_;
  }
  [[nodiscard]] std::vector<std::string> member_ids() const;
  [[nodiscard]] const group_member* find(const std::string& member_id) const;
  /// Precondition: it is a member.
  [[nodiscard]] group_member& member(const std::string& member_id);
  /// The member with this instance id, or empty.
  [[nodiscard]] std::string static_member(
    const std::optional<std::string>& instance_id) const;
  /// Wall clock; -1 before the first change of phase.
  [[nodiscard]] int64_t phase_since_ms() const {
    return phase_since_ms_;
  }
  /// The longest rebalance time-out of its members.
  [[nodiscard]] int64_t rebalance_timeout_ms() const;

  /// none, or unknown_member_id; fenced_instance_id when another member has
  /// taken over `instance_id` (KIP-345).
  [[nodiscard]] kafka_error validate(const std::string& member_id,
    const std::optional<std::string>& instance_id) const;
  /// Whether a joining member with these has a protocol in common with all.
  [[nodiscard]] bool supports(const std::string& protocol_type,
    const std::vector<group_protocol>& protocols) const;
  /// The protocol that most members prefer of those that all know.
  /// Precondition: there are members.
  [[nodiscard]] std::string select_protocol() const;
  /// The topics that the members subscribe to. Nothing when that cannot be
  /// known: no consumer protocol, or metadata in a form of its own.
  [[nodiscard]] std::optional<std::set<std::string>> subscribed_topics() const;
  [[nodiscard]] bool uses_consumer_protocol() const {
    return protocol_type_ == consumer_protocol;
  }

  // Changes of who is in it. None changes the phase.

  /// Adds a member that is not there yet; the first one becomes leader and
  /// decides on the protocol type.
  void add(group_member member, const std::string& protocol_type);
  /// Takes a member out, with what it has parked; the lead passes on.
  std::optional<group_member> remove(const std::string& member_id);
  /// A rejoin's protocols and time-outs.
  void update(const std::string& member_id,
    std::vector<group_protocol> protocols, int32_t session_timeout_ms,
    int32_t rebalance_timeout_ms);
  /// Gives a static member a new id; lead and assignment go with it.
  void rename(const std::string& old_id, const std::string& new_id);

  void park_join(const std::string& member_id, parked_request request);
  std::optional<parked_request> unpark_join(const std::string& member_id);
  [[nodiscard]] size_t joined() const {
    return joined_;
  }
  /// Everyone waits for the next generation, and nobody has only announced
  /// to come (KIP-394).
  [[nodiscard]] bool all_joined() const {
    return joined_ == members_.size() && pending_.empty();
  }
  /// Makes sure that the leader is one who has joined. False: nobody has.
  bool elect_joined_leader();

  /// Members that were told to come back with the id given (KIP-394), and
  /// until when they may.
  [[nodiscard]] const std::map<std::string, int64_t>& pending() const {
    return pending_;
  }
  void add_pending(const std::string& member_id, int64_t deadline_ms);
  bool remove_pending(const std::string& member_id) {
    return pending_.erase(member_id) > 0;
  }

  // Changes of phase.

  /// Precondition: not preparing one yet.
  void start_rebalance(int64_t wall_ms);
  /// Starts the next generation: completing_rebalance, or empty without
  /// members. Precondition: preparing_rebalance.
  void start_generation(int64_t wall_ms);
  /// Precondition: completing_rebalance.
  void become_stable(int64_t wall_ms);

  /// Members of this generation that have not sent SyncGroup yet.
  std::set<std::string> awaited_syncs;
  /// The leader's assignment while it is being written down.
  std::optional<std::map<std::string, std::string>> proposal;
  /// Only while the first rebalance of an empty group waits for members.
  std::optional<initial_delay> initial;

  // Deadlines, all in monotonic time.

  /// When the members that have not joined are given up; never_ms: no
  /// rebalance.
  [[nodiscard]] int64_t join_deadline_ms() const {
    return join_deadline_ms_;
  }
  [[nodiscard]] int64_t sync_deadline_ms() const {
    return sync_deadline_ms_;
  }
  void set_join_deadline(int64_t at_ms);
  void set_sync_deadline(int64_t at_ms);
  void set_deadline(group_member& member, int64_t at_ms);
  /// Starts a member's session time-out anew.
  void refresh(const std::string& member_id, int64_t now_ms);

  /// No deadline is earlier than this one (it may be too early).
  [[nodiscard]] int64_t wake_ms() const {
    return wake_ms_;
  }
  /// Makes wake_ms() exact.
  void recompute_wake();

  /// The record that rebuilds the group as of this generation.
  [[nodiscard]] kafka::group_metadata_value to_record(
    const std::map<std::string, std::string>* assignment) const;

  rebalance_log rebalances;
  /// Whether a record of it is in the log, or on its way there.
  bool persisted = false;

private:
  void enter(group_phase phase, int64_t wall_ms);
  void wake_by(int64_t at_ms) {
    wake_ms_ = std::min(wake_ms_, at_ms);
  }
  void count_protocols(const group_member& member, int change);

  std::string id_;
  group_phase phase_ = group_phase::empty;
  int64_t phase_since_ms_ = -1;
  int32_t generation_ = 0;
  std::optional<std::string> protocol_type_;
  std::optional<std::string> protocol_name_;
  std::string leader_;
  std::map<std::string, group_member> members_;
  std::map<std::string, std::string> static_members_; // by instance id
  std::map<std::string, int64_t> pending_;
  std::map<std::string, size_t, std::less<>> protocol_counts_;
  size_t joined_ = 0;
  int64_t join_deadline_ms_ = never_ms;
  int64_t sync_deadline_ms_ = never_ms;
  int64_t wake_ms_ = never_ms;
};

} // namespace millrace
