#include "apps/client/broker_connection.hpp"

#include "apps/client/refusal.hpp"
#include "schema/kafka/header.hpp"

namespace millrace::client {
namespace {

/// The largest answer that is believed; a fetch asks for far less.
constexpr uint32_t frame_bytes_max = 256u << 20;
constexpr int write_timeout_ms = 60000;

} // namespace

result<broker_connection> broker_connection::open(
  const endpoint& to, std::string client_id, int timeout_ms) {
  auto socket = blocking_socket::connect(to, timeout_ms);
  if (!socket)
    return error{errc::offline,
      "cannot reach " + to.to_string() + ": " + socket.error().context
        + " (is a server running there? give another with --bootstrap "
          "HOST:PORT)"};
  broker_connection connection{std::move(*socket), std::move(client_id)};
  if (auto done = connection.negotiate(timeout_ms); !done)
    return done.error();
  return connection;
}

result<void> broker_connection::negotiate(int timeout_ms) {
  using kafka::api_key;
  const auto key = static_cast<int16_t>(api_key::api_versions);
  versions_[key] = {0, 3};
  kafka::api_versions_request request;
  request.client_software_name = "millrace";
  request.client_software_version = "0.1.0";
  auto sent = send(request);
  if (!sent)
    return sent.error();
  auto frame = receive_frame(timeout_ms);
  if (!frame)
    return frame.error();
  kafka_reader reader{*frame};
  MILLRACE_TRY(check_header(reader, *sent));
  kafka::api_versions_response response;
  // A server that does not know version 3 says so in version 0 (KIP-511).
  if (!decode(reader, sent->version, response)
      || response.error_code
           == static_cast<int16_t>(kafka_error::unsupported_version)) {
    kafka_reader again{*frame};
    MILLRACE_TRY(check_header(again, *sent));
    response = {};
    MILLRACE_TRY(decode(again, 0, response));
  }
  if (response.error_code
      == static_cast<int16_t>(kafka_error::unsupported_version)) {
    versions_[key] = {0, 0};
    auto plain = call(kafka::api_versions_request{}, timeout_ms);
    if (!plain)
      return plain.error();
    response = std::move(*plain);
  }
  if (response.error_code != 0)
    return refused(
      response.error_code, "agree on versions with " + remote().to_string());
  versions_.clear();
  for (const auto& api : response.api_keys)
    versions_[api.api_key] = {api.min_version, api.max_version};
  return {};
}

result<int16_t> broker_connection::version_of(
  kafka::api_key key, int16_t newest) const {
  const auto* ours = kafka::find_api(static_cast<int16_t>(key));
  MILLRACE_ASSERT(ours != nullptr, "requests are of known APIs");
  const auto found = versions_.find(static_cast<int16_t>(key));
  if (found == versions_.end())
    return error{errc::unsupported,
      "the server " + remote().to_string() + " has no " + ours->name};
  const auto version = std::min(newest, found->second.max);
  if (version < std::max(found->second.min, ours->min_version))
    return error{errc::unsupported,
      "the server " + remote().to_string() + " speaks " + ours->name + " "
        + std::to_string(found->second.min) + " to "
        + std::to_string(found->second.max) + ", this client "
        + std::to_string(ours->min_version) + " to " + std::to_string(newest)};
  return version;
}

void broker_connection::begin(kafka_writer& writer, const ticket& sent) const {
  writer.begin_frame();
  encode(writer, kafka::request_header{static_cast<int16_t>(sent.key),
                   sent.version, sent.correlation_id, client_id_});
}

result<void> broker_connection::finish(kafka_writer& writer) {
  auto whole = flatten(writer.finish_frame());
  if (!whole)
    return whole.error();
  return send_raw(std::as_bytes(std::span{*whole}));
}

result<void> broker_connection::send_raw(std::span<const std::byte> frame) {
  if (auto written = socket_.write_all(frame, write_timeout_ms); !written)
    return lost(written.error());
  return {};
}

result<shared_bytes> broker_connection::receive_frame(int timeout_ms) {
  auto frame = socket_.read_frame(frame_bytes_max, timeout_ms);
  if (frame)
    return frame;
  if (frame.error().code == errc::too_large
      || frame.error().code == errc::invalid_argument)
    return error{errc::corrupt,
      remote().to_string() + " does not speak Kafka's protocol without TLS: "
        + frame.error().context};
  return lost(frame.error());
}

result<void> broker_connection::check_header(
  kafka_reader& reader, const ticket& sent) const {
  auto id = kafka::decode_response_header(
    reader, static_cast<int16_t>(sent.key), sent.version);
  if (!id)
    return id.error();
  if (*id != sent.correlation_id)
    return error{errc::corrupt,
      remote().to_string() + " answered request " + std::to_string(*id)
        + " where " + std::to_string(sent.correlation_id) + " was next"};
  return {};
}

error broker_connection::lost(const error& why) const {
  return {errc::offline,
    "lost the connection to " + remote().to_string() + ": " + why.context};
}

} // namespace millrace::client
