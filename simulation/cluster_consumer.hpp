#pragma once

// Reads partitions from their leaders, or from where those send it: some offset
// on, over and over; and in the end everything.

#include "schema/kafka/fetch.hpp"
#include "simulation/cluster_client.hpp"

#include <optional>

namespace millrace {

/// One fetch after the other from one partition, in the order of offsets.
class partition_reader {
public:
  /// @param rack its own; empty: it says none, and reads from leaders
  partition_reader(cluster_clients& all, int32_t partition, int64_t from,
    std::string rack = {});

  /// Fetches once. `done` gets whether a replica has answered; what it sent is
  /// in the history then.
  void fetch(std::function<void(bool)> done);
  /// Begins another run there.
  void seek(int64_t from);
  [[nodiscard]] int64_t next() const {
    return next_;
  }
  [[nodiscard]] uint32_t run() const {
    return run_;
  }
  /// Reads as part of a run that another reader has begun.
  void join(uint32_t run) {
    run_ = run;
  }
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }

private:
  bool take(const kafka::fetch_response* response, int32_t epoch);
  bool follow_hint(int32_t node, bool has_records);

  cluster_clients& all_;
  cluster_client client_;
  int32_t partition_;
  std::string rack_;
  int32_t follower_ = -1; ///< index of the node that it was sent to
  int64_t next_;
  uint32_t run_;
  std::string last_answer_;
};

class cluster_consumer {
public:
  cluster_consumer(
    cluster_clients& all, int32_t partition, const std::string& rack);
  void start();

private:
  cluster_clients& all_;
  partition_reader reader_;
};

/// Reads everything that was acknowledged, and what is there besides.
class cluster_final_read {
public:
  explicit cluster_final_read(cluster_clients& all);
  void start();
  [[nodiscard]] bool done() const {
    return done_;
  }
  [[nodiscard]] std::string waits_for() const;

private:
  void next_partition();
  void read_on();

  cluster_clients& all_;
  std::optional<partition_reader> reader_;
  int32_t partition_ = -1;
  uint32_t run_;
  int empty_ = 0; ///< fetches in a row that brought nothing
  bool done_ = false;
};

} // namespace millrace
