#pragma once

// A client of a simulated node: one connection at a time, requests in
// Kafka's bytes over a link that delays and cuts pieces, answers to
// callbacks. Lives outside of all actor systems, as clients do.

#include "schema/kafka/header.hpp"
#include "schema/kafka_wire.hpp"
#include "schema/outgoing.hpp"
#include "simulation/sim_node.hpp"
#include "simulation/sim_world.hpp"

#include <deque>
#include <functional>
#include <string>

namespace millrace {

/// Between a client and its node: delivers bytes both ways, in order on each
/// connection, after a delay with a heavy tail.
class sim_link {
public:
  sim_link(sim_world& world, sim_node& node);

  /// Opens a connection; `bytes` and `closed` are called for what comes.
  uint64_t connect(
    std::function<void(std::string)> bytes, std::function<void()> closed);
  void send(uint64_t id, std::string bytes);
  /// The client goes away.
  void disconnect(uint64_t id);
  /// Every connection breaks: the node has crashed.
  void break_all();
  /// One connection breaks, seen by both ends.
  void break_one(uint64_t choice);
  /// Nothing gets through either way for `span`, and nobody is told; what was
  /// sent comes afterwards, as TCP sends it again.
  void cut(sim_time span);
  void mend();
  [[nodiscard]] size_t connection_count() const {
    return ends_.size();
  }

private:
  struct end {
    std::function<void(std::string)> bytes;
    std::function<void()> closed;
    sim_time to_node = 0;   ///< nothing arrives there before this
    sim_time to_client = 0; ///< nor here
  };

  sim_time delay();
  /// When what is sent now arrives.
  sim_time due(sim_time& last);
  void close(uint64_t id);

  sim_world& world_;
  sim_node& node_;
  std::map<uint64_t, end> ends_;
  uint64_t next_id_ = 1;
  sim_time cut_until_ = 0;
};

/// Requests and answers on one connection, which is opened when needed.
class sim_client {
public:
  /// @param timeout of each request
  sim_client(
    sim_world& world, sim_link& link, sim_time timeout = 20 * sim_second)
      : world_(world), link_(link), timeout_(timeout) {}
  sim_client(const sim_client&) = delete;
  sim_client& operator=(const sim_client&) = delete;
  ~sim_client();

  /// Sends one request; `done` gets the answer, or null when the connection
  /// broke or `timeout` passed first (then the connection is given up, so
  /// that no late answer is taken for another one's).
  template <class Response, class Request>
  void request(kafka::api_key key, int16_t version, const Request& body,
    std::function<void(const Response*)> done) {
    kafka_writer writer;
    writer.begin_frame();
    encode(writer, kafka::request_header{static_cast<int16_t>(key), version,
                     next_correlation_, "sim"});
    encode(writer, version, body);
    send(static_cast<int16_t>(key), version, writer.finish_frame(),
      [version, done](kafka_reader* reader) {
        Response response;
        if (reader == nullptr) {
          done(nullptr);
          return;
        }
        auto decoded = decode(*reader, version, response);
        MILLRACE_ASSERT(decoded.ok(), "a node's answers can be decoded");
        done(&response);
      });
  }

  void disconnect();

private:
  struct waiting {
    int16_t key = 0;
    int16_t version = 0;
    int32_t correlation = 0;
    std::function<void(kafka_reader*)> done;
  };

  void send(int16_t key, int16_t version, outgoing frame,
    std::function<void(kafka_reader*)> done);
  void on_bytes(std::string bytes);
  void on_closed();

  sim_world& world_;
  sim_link& link_;
  sim_time timeout_;
  uint64_t connection_ = 0; ///< 0: none
  std::string received_;
  std::deque<waiting> waiting_;
  int32_t next_correlation_ = 1;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace millrace
