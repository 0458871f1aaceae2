#pragma once

// The clients of a simulated run: idempotent producers, consumers that go on
// and start over, and a group that commits offsets.

#include "schema/kafka/produce.hpp"
#include "simulation/sim_client.hpp"
#include "simulation/sim_history.hpp"

#include <memory>
#include <vector>

namespace millrace {

inline constexpr const char* sim_topic = "events";

/// What the clients of a run share.
struct sim_clients {
  sim_world& world;
  sim_link& link;
  sim_history& history;
  int32_t partitions = 3;
  uint64_t acknowledged = 0; ///< of every kind
  bool stopping = false;     ///< start nothing new
};

/// Sends one batch after the other to its partition, each until it is
/// acknowledged.
class sim_producer {
public:
  sim_producer(sim_clients& all, int32_t number);
  void start();
  [[nodiscard]] bool idle() const {
    return idle_;
  }

private:
  void next_batch();
  void send();
  void on_answer(const kafka::produce_response* response);
  void again();

  sim_clients& all_;
  sim_client client_;
  int32_t number_;
  int32_t partition_;
  int64_t producer_id_ = -1;
  int16_t producer_epoch_ = -1;
  int32_t sequence_ = 0;
  uint64_t next_value_ = 0;
  std::vector<size_t> batch_; // as the history numbers them
  shared_bytes bytes_;
  bool idle_ = true;
};

/// Reads a partition from some offset on, over and over.
class sim_consumer {
public:
  sim_consumer(sim_clients& all, int32_t partition);
  void start();

private:
  void poll();

  sim_clients& all_;
  sim_client client_;
  int32_t partition_;
  int64_t next_ = 0;
  uint32_t run_;
};

/// Commits rising offsets for one group, and looks what is committed.
class sim_committer {
public:
  explicit sim_committer(sim_clients& all);
  void start();
  [[nodiscard]] bool idle() const {
    return idle_;
  }

private:
  void commit();
  void fetch();
  void later(void (sim_committer::*what)());

  sim_clients& all_;
  sim_client client_;
  int64_t last_sent_ = -1;
  bool idle_ = true;
};

/// Reads everything from the beginning to what was the end when it began.
class sim_final_read {
public:
  explicit sim_final_read(sim_clients& all);
  void start();
  [[nodiscard]] bool done() const {
    return done_;
  }

private:
  void next_partition();
  void read_on();

  sim_clients& all_;
  sim_client client_;
  int32_t partition_ = -1;
  int64_t next_ = 0;
  uint32_t run_;
  bool done_ = false;
};

} // namespace millrace
