#pragma once

// One client's connection on the Kafka port. It cuts frames, starts requests
// in order and sends their answers in order. As in Kafka, a request begins
// only when the one before it on the same connection is answered, but for
// produces, which follow each other without waiting: that is what pipelining
// clients do, and the order of their batches is kept by the mailboxes.

#include "actors/quota_ledger.hpp"
#include "net/connection.hpp"
#include "net/frame_cutter.hpp"
#include "schema/kafka/header.hpp"
#include "schema/outgoing.hpp"
#include "schema/shared_bytes.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

class answer_sink;
class gateway_core;

/// A client's library and its version.
struct client_software {
  std::string name;
  std::string version;
};

class kafka_session : public connection_handler {
public:
  kafka_session(gateway_core& hub, connection& peer, chunk_pool& chunks);
  ~kafka_session() override;

  std::span<std::byte> prepare_read() override;
  void on_read(size_t size) override;
  void on_sent(size_t still_queued) override;
  void on_closed(std::string_view reason) override;

  /// The answer of request `number`; an empty one means none is sent.
  void finish(uint64_t number, outgoing out);
  void close(std::string_view why);
  /// The gateway knows where everything is: requests may start.
  void on_ready();
  /// Closes the connection if it has no request under way and has been quiet
  /// since before `before_ms` (monotonic).
  void close_if_idle(int64_t before_ms);
  /// The gateway has room for more requests.
  void on_room();
  /// Reads and begins nothing more until then (monotonic): the client is
  /// beyond a quota. A later time wins.
  void mute_until(int64_t when_ms);
  void on_mute_over();
  /// What quotas have to know of a request under way; null if it is over.
  [[nodiscard]] metered_request* metered(uint64_t number);
  /// The last one's account, for the next of the same client.
  [[nodiscard]] std::shared_ptr<const quota_account>& account() {
    return account_;
  }

  /// What the client has told in ApiVersions (KIP-511); empty before.
  [[nodiscard]] client_software& software() {
    return software_;
  }
  [[nodiscard]] const connection& peer() const {
    return peer_;
  }

private:
  struct slot {
    outgoing answer;
    size_t request_bytes = 0;
    bool done = false;
    metered_request metered = {};
  };

  void start_waiting();
  void start(shared_bytes frame);
  void send_finished();
  /// Refuses the beginning of a first frame that will be none of Kafka's.
  void judge_unfinished();
  /// @param first_bytes what came first, its length included
  void refuse_stranger(
    const error& why, std::span<const std::byte> first_bytes);
  void update_reading();

  gateway_core& hub_;
  connection& peer_;
  frame_cutter cutter_;
  std::vector<shared_bytes> waiting_; ///< frames that may not start yet
  size_t waiting_head_ = 0;
  std::vector<slot> slots_; ///< under way, the oldest at slots_head_
  size_t slots_head_ = 0;
  uint64_t first_number_ = 0; ///< the request number of slots_[slots_head_]
  size_t running_ = 0;        ///< slots that are not done
  size_t held_bytes_ = 0;     ///< of requests under way or waiting
  bool only_produces_ = true; ///< among those running
  int64_t active_ms_ = 0;     ///< when it last read or answered
  bool paused_ = false;
  bool no_room_ = false;
  bool closed_ = false;
  bool any_request_ = false;
  bool starting_ = false;
  bool refused_ = false; ///< closed when its mute is over
  std::shared_ptr<const quota_account> account_;
  client_software software_;
  int64_t muted_until_ms_ = 0; ///< 0: it is not
  std::shared_ptr<answer_sink> alarm_;
};

} // namespace millrace
