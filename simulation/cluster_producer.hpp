#pragma once

// Sends one batch after the other to its partition. With acks=all it is
// idempotent and repeats each batch until it is acknowledged, wherever the
// leader is by then; with acks=1 it never repeats, and takes what may be
// lost.

#include "schema/kafka/produce.hpp"
#include "simulation/cluster_client.hpp"

namespace millrace {

class cluster_producer {
public:
  cluster_producer(cluster_clients& all, int32_t number, bool waits_for_all);
  void start();
  [[nodiscard]] bool idle() const {
    return idle_;
  }
  /// What it waits for, for whoever asks why a run does not end.
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }

private:
  void next_batch();
  void send();
  void on_answer(const kafka::produce_response* response);
  void take(kafka_error code, int64_t base_offset, const std::string& message);
  void again(const std::string& why);

  cluster_clients& all_;
  cluster_client client_;
  int32_t number_;
  int32_t partition_;
  bool waits_for_all_;
  int64_t producer_id_ = -1;
  int16_t producer_epoch_ = -1;
  int32_t sequence_ = 0;
  uint64_t next_value_ = 0;
  std::vector<size_t> batch_; // as the history numbers them
  shared_bytes bytes_;
  bool idle_ = true;
  std::string last_answer_;
};

} // namespace millrace
