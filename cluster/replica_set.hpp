#pragma once

// What the leader of a partition knows of its replicas: how far each one has
// appended and how far it is on disk, who is in sync, and what follows from
// it: the high watermark. Pure; written for many replicas, right for one.

#include "schema/metadata_command.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace millrace {

/// How an acks=all produce stands.
enum class acks_state : uint8_t {
  waiting,
  done,
  too_few_replicas, ///< NOT_ENOUGH_REPLICAS_AFTER_APPEND (R4)
};

class replica_set {
public:
  struct replica {
    offset appended{-1}; ///< log end; -1: not heard of in this epoch
    offset durable{-1};  ///< log end after fdatasync (R2)
    int64_t broker_epoch = -1;
    /// The last time of which it is known that it had on disk all that there
    /// was then.
    int64_t caught_up_ms = 0;
    /// Where the log ended at some later time: once it has that, it was
    /// caught up then.
    offset mark{0};
    int64_t mark_ms = 0;
    /// It was heard of since the last decision about the ISR: of one that is
    /// silent nobody knows whether it is there.
    bool fresh = false;
  };

  /// A follower's or a fresh leader's view, before the first position.
  /// @param high_watermark the last one known; it never falls
  replica_set(node_id self, const partition_registration& partition,
    int32_t min_insync_replicas, offset high_watermark);

  /// Starts a leadership: the log ends at `log_end`, where the epoch of
  /// `partition` begins; what followers told in earlier epochs is void.
  void become_leader(const partition_registration& partition, offset log_end,
    offset durable_end, int64_t now_ms);

  /// The controller has committed a change under the same leader epoch: what
  /// was proposed on the one before is settled. An older one changes nothing.
  /// Returns whether the high watermark moved.
  bool on_partition_changed(const partition_registration& partition);
  bool set_min_insync_replicas(int32_t count);

  /// The leader's own positions. Both only grow. Returns whether the high
  /// watermark moved.
  bool on_local(offset appended, offset durable, int64_t now_ms);

  /// A replica fetch of `id` (R2). Unknown ids change nothing.
  bool on_fetch(node_id id, offset appended, offset durable,
    int64_t broker_epoch, int64_t now_ms);

  /// First offset that some member of the ISR may lack on disk.
  [[nodiscard]] offset high_watermark() const {
    return high_watermark_;
  }
  [[nodiscard]] const std::vector<node_id>& isr() const {
    return partition_.isr;
  }
  [[nodiscard]] const partition_registration& partition() const {
    return partition_;
  }
  /// Whether |ISR| >= min.insync.replicas, here and as the controller sees it:
  /// else acks=all is refused before the append with NOT_ENOUGH_REPLICAS (R4).
  [[nodiscard]] bool has_enough_replicas() const;
  /// How a produce that ends at `end` (exclusive) with acks=all stands.
  [[nodiscard]] acks_state acks_all(offset end) const;

  /// The ISR to ask the controller for, or none; R3. A proposal is in flight
  /// until on_partition_changed(), on_proposal_refused() or
  /// on_proposal_lost().
  [[nodiscard]] std::optional<std::vector<node_id>> propose_isr(
    int64_t now_ms, int64_t lag_ms_max);
  /// The same, where the leader's own log is damaged (R10): without itself, so
  /// that another one leads. None if nobody else is in sync.
  [[nodiscard]] std::optional<std::vector<node_id>> propose_to_leave();
  /// Nobody knows what became of it. It may be committed yet, so that who is
  /// in it goes on holding the high watermark back, until another change of
  /// the partition rules it out (KIP-497): propose_isr() gives one.
  void on_proposal_lost();
  /// The controller has refused it. A copy of it may be under way all the
  /// same; so this is as if it were lost, but the next proposal lets nobody
  /// in.
  void on_proposal_refused();
  [[nodiscard]] bool is_proposing() const {
    return in_flight_;
  }

  /// Whether `id` may lack on disk what the leader has appended.
  [[nodiscard]] bool is_behind(node_id id) const;
  /// The first offset of this leadership. Below the high watermark it is
  /// known what earlier ones have committed.
  [[nodiscard]] offset epoch_start() const {
    return epoch_start_;
  }

  [[nodiscard]] const std::map<node_id, replica>& replicas() const {
    return replicas_;
  }

private:
  bool advance();
  [[nodiscard]] bool belongs(node_id id, const replica& replica, bool is_member,
    int64_t now_ms, int64_t lag_ms_max) const;

  node_id self_;
  partition_registration partition_;
  int32_t min_insync_replicas_;
  offset high_watermark_;
  offset epoch_start_{0};
  std::map<node_id, replica> replicas_;
  bool in_flight_ = false;
  /// Some proposal may be committed though nobody knows of it.
  bool unsettled_ = false;
  bool lets_nobody_in_ = false;
  /// Who may be in the ISR besides its committed members.
  std::set<node_id> possible_;
};

} // namespace millrace
