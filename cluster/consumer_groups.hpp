#pragma once

// All consumer groups (KIP-848) of one partition of __consumer_offsets. Part
// of group_registry, which keeps the offsets and the classic groups.

#include "cluster/consumer_group_classic.hpp"
#include "cluster/consumer_group_heartbeat.hpp"
#include "cluster/group_overrides.hpp"
#include "cluster/group_turn.hpp"
#include "cluster/wake_schedule.hpp"
#include "schema/kafka/consumer_group_describe.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace millrace {

class consumer_groups {
public:
  /// @param new_uuid where the ids of members that bring none come from
  consumer_groups(consumer_group_config config, std::function<uuid()> new_uuid)
      : configs_(std::move(config)), new_uuid_(std::move(new_uuid)) {}

  /// The topics from now on; members learn of a change in their next
  /// heartbeats. Until the first call heartbeats are told to come back.
  void set_topics(std::shared_ptr<const topic_view> topics);
  /// What single groups are configured to from now on.
  void configure(const group_overrides& overrides) {
    configs_.set(overrides);
  }

  // From the log, before finish_load().

  void replay(const consumer_group_record& record);
  /// The members that were there get a full session.
  void finish_load(int64_t now_ms);
  void clear();

  // The records of a call are those of the turn, which will be appended as
  // `append_id`; end_append() tells how that ended.

  template <class Response>
  struct answer {
    Response response;
    /// The append that must be durable before it is given; 0: none.
    uint64_t after = 0;
  };
  /// Precondition: no classic group has this name.
  [[nodiscard]] answer<kafka::consumer_group_heartbeat_response> heartbeat(
    group_turn& turn, uint64_t append_id, const group_request_context& who,
    const kafka::consumer_group_heartbeat_request& request);

  // The classic protocol. Precondition: find(group id).

  [[nodiscard]] answer<kafka::join_group_response> join(group_turn& turn,
    uint64_t append_id, const group_request_context& who,
    const kafka::join_group_request& request);
  [[nodiscard]] answer<kafka::sync_group_response> sync(group_turn& turn,
    uint64_t append_id, const group_request_context& who,
    const kafka::sync_group_request& request);
  [[nodiscard]] answer<kafka::heartbeat_response> heartbeat(group_turn& turn,
    uint64_t append_id, const group_request_context& who,
    const kafka::heartbeat_request& request);
  [[nodiscard]] answer<kafka::leave_group_response> leave(group_turn& turn,
    uint64_t append_id, const group_request_context& who,
    const kafka::leave_group_request& request);

  /// A classic group becomes one of these: what upgrade() of it says.
  /// Precondition: there is none of this name.
  void adopt(group_turn& turn, uint64_t append_id, const std::string& id,
    const std::vector<consumer_group_record>& records,
    rebalance_log rebalances);
  /// Takes the group with its members out. Precondition: find(id).
  void erase(group_turn& turn, uint64_t append_id, const std::string& id);
  /// Takes out members whose time is over. Returns the groups that were
  /// looked at.
  std::vector<std::string> on_timer(group_turn& turn, uint64_t append_id);
  /// When on_timer() is wanted, in monotonic time; perhaps too early.
  [[nodiscard]] int64_t next_ms() const {
    return wakes_.next_ms();
  }
  void end_append(uint64_t append_id, bool durable, int64_t now_ms);

  /// A group that exists by all that has been decided; null otherwise.
  [[nodiscard]] const consumer_group_state* find(const std::string& id) const;
  /// What others are shown of it: what is durable.
  [[nodiscard]] const consumer_group_state* find_committed(
    const std::string& id) const;
  /// Its last rebalances, the oldest first; null if it does not exist.
  [[nodiscard]] const rebalance_log* rebalances(const std::string& id) const;
  /// Null before set_topics().
  [[nodiscard]] const topic_view* topics() const {
    return topics_.get();
  }
  /// Zero for a topic that is not known.
  [[nodiscard]] uuid topic_id(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, consumer_group>& groups() const {
    return groups_;
  }

  /// Precondition: find_committed(id). Without authorized operations.
  void describe(const std::string& id,
    kafka::consumer_group_describe_response::described_group& out) const;

private:
  /// One request of the classic protocol; `serve` calls what it means.
  template <class Response, class Serve>
  [[nodiscard]] answer<Response> classic(group_turn& turn, uint64_t append_id,
    const group_request_context& who, const std::string& id, Response not_yet,
    Serve serve);
  void stage(group_turn& turn, uint64_t append_id, consumer_group& group,
    const std::vector<consumer_group_record>& records);
  void schedule(const std::string& id);

  configs_by_group<consumer_group_config> configs_;
  std::function<uuid()> new_uuid_;
  std::shared_ptr<const topic_view> topics_;
  std::map<std::string, consumer_group> groups_;
  std::map<uint64_t, std::set<std::string>> appending_; // groups by append
  wake_schedule wakes_;
};

} // namespace millrace
