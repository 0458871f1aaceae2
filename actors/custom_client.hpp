#pragma once

// How a custom actor's host asks nodes in Kafka's protocol, through the front
// of its node: requests leave as bytes for the leader of a partition, answers
// come back or do not.

#include "actors/custom_messages.hpp"
#include "schema/assert.hpp"
#include "schema/kafka/header.hpp"
#include "schema/kafka_wire.hpp"
#include "schema/outgoing.hpp"

#include <functional>
#include <map>
#include <string>

namespace millrace {

class custom_client {
public:
  /// Gives a question to the front.
  using send_function = std::function<void(front_ask)>;
  /// Calls a function after so many milliseconds.
  using timer_function = std::function<void(int64_t, std::function<void()>)>;

  custom_client(send_function send, timer_function timer)
      : send_(std::move(send)), timer_(std::move(timer)) {}

  /// Asks the leader of a partition; this node itself if `topic` is empty.
  /// `done` is called once: with null when nobody leads, or `wait_ms` passed
  /// without an answer.
  template <class Response, class Request>
  void ask(const std::string& topic, int32_t partition, kafka::api_key key,
    int16_t version, const Request& body, int64_t wait_ms,
    std::function<void(const Response*)> done) {
    kafka_writer writer;
    writer.begin_frame();
    encode(writer, kafka::request_header{static_cast<int16_t>(key), version,
                     correlation_id, "custom-actor"});
    encode(writer, version, body);
    const auto api = static_cast<int16_t>(key);
    open({0, topic, partition, frame_of(writer.finish_frame())}, wait_ms,
      [api, version, done = std::move(done)](const shared_bytes& frame) {
        Response response;
        done(read(frame, api, version, response) ? &response : nullptr);
      });
  }

  void take(const front_answer& answer);
  void after(int64_t ms, std::function<void()> what) {
    timer_(ms, std::move(what));
  }

private:
  using taker = std::function<void(const shared_bytes&)>;

  static constexpr int32_t correlation_id = 0; // the ticket tells them apart

  /// Without the length in front.
  [[nodiscard]] static shared_bytes frame_of(const outgoing& out);
  template <class Response>
  static bool read(const shared_bytes& frame, int16_t api, int16_t version,
    Response& response) {
    if (frame.empty())
      return false;
    kafka_reader reader{frame};
    if (!kafka::decode_response_header(reader, api, version))
      return false;
    const auto decoded = decode(reader, version, response);
    MILLRACE_ASSERT(decoded.ok(), "a node's answers can be decoded");
    return true;
  }
  void open(front_ask ask, int64_t wait_ms, taker take);

  send_function send_;
  timer_function timer_;
  std::map<uint64_t, taker> open_;
  uint64_t next_ticket_ = 1;
};

} // namespace millrace
