#pragma once

// The markers that a node's transaction coordinators want written: to whom
// they are sent, and what is to be sent again.

#include "cluster/transaction_state.hpp"
#include "schema/metadata_command.hpp"
#include "schema/transaction_message.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

/// Who leads a partition.
struct marker_target {
  node_id leader = no_node;
  leader_epoch epoch{-1};
};

/// Pure. A marker is under way once at a time; an answer counts only if it is
/// to the last request with it. So nothing is still to be written when its
/// transaction counts as ended: it would end the next one.
class marker_queue {
public:
  struct options {
    int64_t retry_ms = 100;    ///< after a refusal, or without a leader
    int64_t answer_ms = 5'000; ///< how long an answer is waited for
    size_t writes_max = 1'000; ///< of one request
  };
  /// nullopt: there is no such partition (any more).
  using target_finder
    = std::function<std::optional<marker_target>(const topic_partition&)>;
  /// To send, under an id that is larger than all before.
  struct request {
    node_id to = no_node;
    uint64_t id = 0;
    std::vector<marker_write> writes;
  };
  /// Markers that are where they belong, or whose partition is gone.
  struct written {
    int32_t coordinator = 0;
    std::string transactional_id;
    producer_id id{-1};
    int16_t epoch = -1;
    std::vector<topic_partition> partitions;
  };

  marker_queue() = default;
  explicit marker_queue(options o) : options_(o) {}

  /// @param coordinator a partition of __transaction_state
  void add(int32_t coordinator, int32_t coordinator_epoch,
    const transaction_markers& markers);
  /// The coordinator is not here any more: nobody wants to know.
  void drop(int32_t coordinator);

  /// What is to be sent now. What turns out to be written without that, as
  /// its partition is gone, is told by take_written().
  [[nodiscard]] std::vector<request> take_due(
    const target_finder& find, int64_t now_ms);
  /// @param errors in the order of the request's writes
  void on_answer(
    uint64_t id, std::span<const kafka_error> errors, int64_t now_ms);
  /// Others may lead now: what is under way to who led before is due again,
  /// as nobody will write it there.
  void review(const target_finder& find, int64_t now_ms);
  /// What is under way there is lost.
  void on_lost(node_id node, int64_t now_ms);
  [[nodiscard]] std::vector<written> take_written();
  /// When take_due() is wanted next.
  [[nodiscard]] std::optional<int64_t> next_deadline() const;

  [[nodiscard]] size_t size() const {
    return markers_.size();
  }

private:
  struct key {
    int32_t coordinator = 0;
    std::string transactional_id;
    topic_partition partition;

    friend auto operator<=>(const key&, const key&) = default;
  };
  struct marker {
    marker_write write;
    int64_t due_ms = 0;     ///< or when its answer counts as lost
    uint64_t under_way = 0; ///< the request; 0: none
  };
  struct sent {
    node_id to = no_node;
    std::vector<key> keys;
    size_t open = 0; ///< that are not under way with a later one
  };
  using marker_map = std::map<key, marker>;

  void set_due(marker_map::iterator at, int64_t due_ms);
  void end(marker_map::iterator at);
  /// The answer to the request that it is under way with does not count.
  void recall(marker& m);
  void take_answer(
    const key& of, uint64_t id, kafka_error error, int64_t now_ms);

  options options_;
  marker_map markers_;
  std::set<std::pair<int64_t, key>> due_;
  std::map<uint64_t, sent> sent_;
  std::vector<written> written_;
  uint64_t next_id_ = 1;
};

} // namespace millrace
