#pragma once

// All share groups (KIP-932) of one partition of __consumer_offsets. Part of
// group_registry.

#include "cluster/group_overrides.hpp"
#include "cluster/group_turn.hpp"
#include "cluster/share_group_heartbeat.hpp"
#include "cluster/share_jobs.hpp"
#include "cluster/wake_schedule.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

namespace millrace {

class share_groups {
public:
  /// @param next_append where the append id of the turn in progress stands
  share_groups(share_group_config config, const uint64_t& next_append)
      : configs_(config), next_append_(next_append) {}
  share_groups(const share_groups&) = delete;
  share_groups& operator=(const share_groups&) = delete;

  /// The topics from now on; members learn of a change in their next
  /// heartbeats. Until the first call requests are told to come back.
  void set_topics(std::shared_ptr<const topic_view> topics) {
    topics_ = std::move(topics);
  }
  /// What single groups are configured to from now on.
  void configure(const group_overrides& overrides) {
    configs_.set(overrides);
  }

  // From the log, before finish_load().

  void replay(const share_group_record& record);
  /// The members that were there get a full session.
  void finish_load(int64_t now_ms);
  void clear();

  // Requests. Precondition: no other group has this name, or the request makes
  // no sense. Each token is answered once, in this turn or a later one.

  struct answer {
    kafka::share_group_heartbeat_response response;
    /// The append that must be durable before it is given; 0: none.
    uint64_t after = 0;
  };
  [[nodiscard]] answer heartbeat(group_turn& turn,
    const group_request_context& who,
    const kafka::share_group_heartbeat_request& request);
  /// A group that is not there, or not here, has no offsets.
  void describe_offsets(group_turn& turn, const group_request_context& who,
    const kafka::describe_share_group_offsets_request& request);
  void alter_offsets(group_turn& turn, uint64_t token,
    const kafka::alter_share_group_offsets_request& request);
  void delete_offsets(group_turn& turn, uint64_t token,
    const kafka::delete_share_group_offsets_request& request);

  using ending = std::function<void(group_turn&, kafka_error)>;
  /// Deletes a group and the states of its share partitions: non_empty_group,
  /// coordinator_not_available if these could not be deleted.
  /// Precondition: find(id).
  void remove(group_turn& turn, const std::string& id, ending done);

  // Events.

  /// Takes out members whose time is over.
  void on_timer(group_turn& turn);
  /// When on_timer() is wanted, in monotonic time; perhaps too early.
  [[nodiscard]] int64_t next_ms() const {
    return wakes_.next_ms();
  }
  void end_append(uint64_t append_id, bool durable, int64_t now_ms);
  /// What a share coordinator says to one of the turns' share_orders.
  void on_share_state(
    group_turn& turn, uint64_t order_id, share_state_answer answer) {
    jobs_.take(turn, order_id, std::move(answer));
  }
  void on_topics_deleted(group_turn& turn, const std::set<std::string>& names);
  /// Ends what waits for share coordinators.
  void fail_orders(group_turn& turn, kafka_error error) {
    jobs_.fail_all(turn, error);
  }

  /// A group that exists by all that has been decided; null otherwise.
  [[nodiscard]] const share_group_state* find(const std::string& id) const;
  /// What others are shown of it: what is durable.
  [[nodiscard]] const share_group_state* find_committed(
    const std::string& id) const;
  [[nodiscard]] const std::map<std::string, share_group>& groups() const {
    return groups_;
  }
  /// Precondition: find_committed(id). Without authorized operations.
  void describe(const std::string& id,
    kafka::share_group_describe_response::described_group& out) const;

private:
  using partition_name = share_group_change::partition_name;
  struct offsets_round;
  struct alter_round;
  struct delete_round;

  // share_groups.cpp
  void stage(group_turn& turn, share_group& group,
    const std::vector<share_group_record>& records);
  void schedule(const std::string& id);
  [[nodiscard]] share_group* live(const std::string& id);
  void erase_if_gone(const std::string& id);
  void ask_states(group_turn& turn, const std::string& id);
  void on_initialized(group_turn& turn, const std::string& id,
    const std::vector<share_jobs::answered>& answers);
  /// Starts a job once this turn's records, if any, are durable.
  void start_when_durable(group_turn& turn,
    std::vector<share_state_question> questions, share_jobs::continuation done);

  // share_group_admin.cpp
  void describe_group(group_turn& turn,
    const std::shared_ptr<offsets_round>& round, size_t index, bool with_lag);
  [[nodiscard]] std::vector<share_state_question> forget_questions(
    const share_group_state& group, const std::set<uuid>& topics) const;
  void on_deleted(group_turn& turn, const std::string& id,
    const std::vector<share_jobs::answered>& answers, const ending& done);
  /// Of those of `topics` all of whose questions have been answered well.
  void forget_states(
    group_turn& turn, const std::string& id, const std::set<uuid>& topics);

  configs_by_group<share_group_config> configs_;
  const uint64_t& next_append_;
  std::shared_ptr<const topic_view> topics_;
  std::map<std::string, share_group> groups_;
  std::map<uint64_t, std::set<std::string>> appending_; // groups by append
  wake_schedule wakes_;
  share_jobs jobs_;
};

} // namespace millrace
