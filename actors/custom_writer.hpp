#pragma once

// Writes records for one custom actor, as an idempotent producer (KIP-98): in
// order for each partition, each once, again and again until it is taken.

#include "actors/custom_client.hpp"
#include "schema/custom_message.hpp"
#include "schema/kafka/metadata.hpp"
#include "schema/kafka/produce.hpp"
#include "schema/kafka_error.hpp"

#include <deque>
#include <functional>
#include <map>
#include <vector>

namespace millrace {

struct custom_producer {
  int64_t id = -1;
  int16_t epoch = 0;
};

struct custom_writer_options {
  std::function<int64_t()> wall_clock_ms;
  /// The record of this number is taken, or never will be.
  std::function<void(uint64_t)> done;
  /// Another one writes under this name now, or the records' numbers do not
  /// fit: nothing can be written any more.
  std::function<void(const std::string&)> lost;
  std::function<void(const std::string&)> complain;
};

class custom_writer {
public:
  custom_writer(custom_client& client, custom_writer_options options)
      : client_(client), options_(std::move(options)) {}

  /// Before anything is written.
  void begin(const custom_producer& producer) {
    producer_ = producer;
  }
  void write(uint64_t number, waiting_write record);
  /// Bytes of what has not been taken.
  [[nodiscard]] size_t waiting_bytes() const {
    return waiting_bytes_;
  }

private:
  struct entry {
    uint64_t number = 0;
    waiting_write record;
  };
  /// One partition.
  struct lane {
    std::string topic;
    int32_t partition = 0;
    int32_t sequence = 0; ///< of the next batch
    std::deque<entry> waiting;
    size_t sending = 0; ///< how many of the first are in `batch`
    shared_bytes batch;
  };
  struct target {
    std::deque<entry> unplaced; ///< until the partitions are known
    std::map<int32_t, lane> lanes;
    int32_t partitions = 0;
    int32_t next = 0; ///< for records without a key
  };

  void look_for_partitions(const std::string& topic);
  void take(const std::string& topic, const kafka::metadata_response* response);
  void place(target& to, entry e);
  void send_next(lane& on);
  void send(lane& on);
  void take(lane& on, kafka_error code, const std::string& why);
  void end_batch(lane& on);

  custom_client& client_;
  custom_writer_options options_;
  custom_producer producer_;
  std::map<std::string, target> targets_; // nodes stay where they are
  size_t waiting_bytes_ = 0;
};

} // namespace millrace
