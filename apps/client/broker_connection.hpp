#pragma once

// One connection to one broker: negotiates versions, numbers requests, and
// matches answers, which come in the order of the requests.

#include "apps/client/exchange.hpp"
#include "net/blocking_socket.hpp"
#include "schema/kafka_wire.hpp"
#include "schema/result.hpp"

#include <map>
#include <string>

namespace millrace::client {

/// A blocking Kafka connection. After any error of the transport it must be
/// thrown away: answers may be lost.
class broker_connection {
public:
  /// Connects and asks for the broker's versions. Errors: offline, naming
  /// the address and the cure; corrupt when the peer speaks no Kafka.
  [[nodiscard]] static result<broker_connection> open(
    const endpoint& to, std::string client_id, int timeout_ms);

  /// What send() gives and receive() takes.
  struct ticket {
    kafka::api_key key{};
    int16_t version = 0;
    int32_t correlation_id = 0;
  };

  /// The newest version that both sides know. Errors: unsupported.
  [[nodiscard]] result<int16_t> version_of(
    kafka::api_key key, int16_t newest) const;

  /// Sends without waiting for the answer. Errors: offline, unsupported.
  template <class Request>
  [[nodiscard]] result<ticket> send(const Request& request) {
    using traits = exchange<Request>;
    auto version = version_of(traits::key, traits::newest);
    if (!version)
      return version.error();
    const ticket sent{traits::key, *version, ++correlation_id_};
    kafka_writer writer;
    begin(writer, sent);
    encode(writer, sent.version, request);
    if (auto done = finish(writer); !done)
      return done.error();
    return sent;
  }

  /// Waits for the answer to the oldest request that has none yet.
  /// Errors: offline (closed, timed out), corrupt.
  template <class Response>
  [[nodiscard]] result<Response> receive(const ticket& sent, int timeout_ms) {
    auto frame = receive_frame(timeout_ms);
    if (!frame)
      return frame.error();
    kafka_reader reader{std::move(*frame)};
    if (auto matched = check_header(reader, sent); !matched)
      return matched.error();
    Response response;
    if (auto read = decode(reader, sent.version, response); !read)
      return read.error();
    return response;
  }

  /// send() and receive().
  template <class Request>
  [[nodiscard]] result<typename exchange<Request>::response> call(
    const Request& request, int timeout_ms) {
    auto sent = send(request);
    if (!sent)
      return sent.error();
    return receive<typename exchange<Request>::response>(*sent, timeout_ms);
  }

  /// The bytes of a whole request, for load generators that send the same
  /// one many times; every answer to it has the ticket's correlation id.
  template <class Request>
  [[nodiscard]] result<std::pair<ticket, std::string>> prepare(
    const Request& request) {
    using traits = exchange<Request>;
    auto version = version_of(traits::key, traits::newest);
    if (!version)
      return version.error();
    const ticket prepared{traits::key, *version, ++correlation_id_};
    kafka_writer writer;
    begin(writer, prepared);
    encode(writer, prepared.version, request);
    auto bytes = flatten(writer.finish_frame());
    if (!bytes)
      return bytes.error();
    return std::pair{prepared, std::move(*bytes)};
  }
  /// Sends such bytes. Errors: offline.
  [[nodiscard]] result<void> send_raw(std::span<const std::byte> frame);
  /// The next frame without its size. Errors: offline.
  [[nodiscard]] result<shared_bytes> receive_frame(int timeout_ms);

  /// For poll().
  [[nodiscard]] int descriptor() const {
    return socket_.get();
  }
  [[nodiscard]] const endpoint& remote() const {
    return socket_.remote();
  }
  [[nodiscard]] const std::string& client_id() const {
    return client_id_;
  }

private:
  struct range {
    int16_t min = 0;
    int16_t max = 0;
  };

  broker_connection(blocking_socket socket, std::string client_id)
      : socket_(std::move(socket)), client_id_(std::move(client_id)) {}

  [[nodiscard]] result<void> negotiate(int timeout_ms);
  void begin(kafka_writer& writer, const ticket& sent) const;
  [[nodiscard]] result<void> finish(kafka_writer& writer);
  [[nodiscard]] result<void> check_header(
    kafka_reader& reader, const ticket& sent) const;
  [[nodiscard]] error lost(const error& why) const;

  blocking_socket socket_;
  std::string client_id_;
  std::map<int16_t, range> versions_;
  int32_t correlation_id_ = 0;
};

} // namespace millrace::client
