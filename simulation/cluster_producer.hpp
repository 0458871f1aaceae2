#pragma once

// Sends batches to its partition. With acks=all it is idempotent: up to five
// batches are on their way at once, each is repeated until it is acknowledged,
// wherever the leader is by then, and now and then the producer becomes
// another one. With acks=1 it sends one after the other, never repeats, and
// takes what may be lost.

#include "schema/kafka/produce.hpp"
#include "simulation/cluster_client.hpp"

#include <deque>
#include <memory>

namespace millrace {

class cluster_producer {
public:
  cluster_producer(cluster_clients& all, int32_t number, bool waits_for_all);
  void start();
  [[nodiscard]] bool idle() const {
    return open_.empty();
  }
  /// What it waits for, for whoever asks why a run does not end.
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }

private:
  /// A batch that is not acknowledged.
  struct flight {
    std::vector<size_t> records; ///< as the history numbers them
    shared_bytes bytes;
    bool is_out = false;   ///< nobody has answered yet
    bool was_sent = false; ///< at least once
    bool waits = false;    ///< before it is sent again
  };
  using flight_pointer = std::shared_ptr<flight>;

  void go_on();
  void make_batch();
  void send_what_may_be_sent();
  void send(const flight_pointer& one, int32_t leader);
  void on_answer(
    const flight_pointer& one, const kafka::produce_response* response);
  void take(const flight_pointer& one, kafka_error code, int64_t base_offset,
    const std::string& message);
  void acknowledge(const flight& one, int64_t base_offset);
  void again(const flight_pointer& one, const std::string& why);
  void close(const flight_pointer& one);

  cluster_clients& all_;
  cluster_client client_;
  int32_t number_;
  int32_t partition_;
  bool waits_for_all_;
  size_t window_; ///< batches on their way at once
  int64_t producer_id_ = -1;
  int16_t producer_epoch_ = -1;
  int32_t sequence_ = 0;
  uint64_t next_value_ = 0;
  std::deque<flight_pointer> open_; ///< in the order of their sequences
  bool looks_for_leader_ = false;
  std::string last_answer_;
};

} // namespace millrace
