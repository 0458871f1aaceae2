#pragma once

// Writes records to one topic: gathers them by partition, sends batches to
// the leaders, and sends again what failed for a passing reason.

#include "apps/client/batch_codec.hpp"
#include "apps/client/cluster.hpp"
#include "apps/client/partitioner.hpp"

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace millrace::client {

struct producer_options {
  std::string topic;
  compression_codec codec = compression_codec::none;
  /// 0 = do not wait, 1 = written by the leader, -1 = on disk everywhere.
  int16_t acks = -1;
  /// Records of one batch, before compression.
  size_t batch_bytes_max = 512 << 10;
  /// What add() gathers before it sends by itself.
  size_t buffer_bytes_max = 4 << 20;
  bool idempotent = true;
};

/// Order is kept within a partition. With acks -1 a record that was sent
/// twice is written once, where the server gives producer ids (KIP-98).
class producer {
public:
  /// Makes the topic where the server does so on its own.
  /// Errors: not_found, offline.
  [[nodiscard]] static result<producer> open(
    cluster& nodes, producer_options options);

  /// Takes a record; sends when enough has been gathered. Errors as flush();
  /// not_found for a partition that the topic does not have.
  [[nodiscard]] result<void> add(new_record record);
  /// Sends everything and waits for the answers. Errors: those of the server
  /// that do not pass; offline when the time-out is over. Then records may
  /// be left unsent.
  [[nodiscard]] result<void> flush();

  [[nodiscard]] int64_t acknowledged_records() const {
    return acknowledged_;
  }
  [[nodiscard]] int64_t sent_bytes() const {
    return sent_bytes_;
  }
  [[nodiscard]] int32_t partition_count() const {
    return static_cast<int32_t>(partitions_.size());
  }

private:
  struct partition {
    int32_t leader = -1;
    std::deque<new_record> waiting;
    /// Those at the front that are in the batch being sent: the same ones,
    /// under the same sequence, until it is known what became of them.
    size_t taken = 0;
    int32_t sequence = 0;
    size_t records_max = SIZE_MAX; ///< after MESSAGE_TOO_LARGE
    shared_bytes batch;
  };

  producer(cluster& nodes, producer_options options, const topic_info& topic);

  void ask_producer_id();
  void note_leaders(const topic_info& topic);
  [[nodiscard]] result<void> refresh();
  [[nodiscard]] result<void> fill(partition& p);
  [[nodiscard]] kafka::produce_request request_for(int32_t leader) const;
  /// One round: a batch of every partition that has records.
  [[nodiscard]] result<void> send_round(int timeout_ms);
  [[nodiscard]] result<void> take_answer(const kafka::produce_response& answer);
  [[nodiscard]] result<void> take_code(
    int32_t index, int16_t code, const std::optional<std::string>& message);
  void acknowledge(int32_t index);
  [[nodiscard]] bool is_empty() const;

  cluster& nodes_;
  producer_options options_;
  partitioner partitioner_;
  std::vector<partition> partitions_;
  int64_t producer_id_ = -1;
  int16_t producer_epoch_ = -1;
  size_t gathered_bytes_ = 0;
  int64_t acknowledged_ = 0;
  int64_t sent_bytes_ = 0;
};

} // namespace millrace::client
