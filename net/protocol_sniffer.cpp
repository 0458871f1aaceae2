#include "net/protocol_sniffer.hpp"

#include <algorithm>
#include <array>

namespace millrace {

namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

constexpr std::array http_methods{"GET "sv, "POST "sv, "PUT "sv, "HEAD "sv,
  "DELETE "sv, "OPTIONS "sv, "PATCH "sv, "CONNECT "sv, "TRACE "sv};
constexpr std::array zookeeper_words{"ruok"sv, "stat"sv, "srvr"sv, "mntr"sv,
  "conf"sv, "cons"sv, "crst"sv, "dump"sv, "envi"sv, "srst"sv, "wchs"sv,
  "wchc"sv, "wchp"sv, "dirs"sv, "isro"sv, "gtmk"sv, "stmk"sv, "hash"sv};
constexpr std::array redis_words{
  "PING\r"sv, "PING\n"sv, "ping\r"sv, "INFO\r"sv, "AUTH "sv, "HELLO "sv};

template <class Words>
bool starts_with_one(std::string_view text, const Words& words) {
  return std::any_of(words.begin(), words.end(), [text](auto word) {
    return text.starts_with(word);
  });
}

/// The big-endian integer of `size` bytes at `at`, or -1 beyond the end.
int64_t number_at(std::string_view text, size_t at, size_t size) {
  if (text.size() < at + size)
    return -1;
  int64_t value = 0;
  for (char c : text.substr(at, size))
    value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

bool is_zookeeper_connect(std::string_view text) {
  // Length 44, or 45 with the read-only flag; protocol version 0; zxid,
  // time-out, session id; then a password of 16 bytes.
  auto length = number_at(text, 0, 4);
  return (length == 44 || length == 45) && number_at(text, 4, 4) == 0
         && number_at(text, 28, 4) == 16;
}

bool is_postgres_request(std::string_view text) {
  // A length, then the code of CancelRequest, SSLRequest or GSSENCRequest:
  // 1234 in the high half, which is no API's key, and 5678 to 5680 below.
  auto code = number_at(text, 4, 4);
  return code >= 80877102 && code <= 80877104;
}

bool is_postgres_startup(std::string_view text) {
  // A length, then version 3.0.
  return number_at(text, 4, 4) == 0x0003'0000;
}

/// Whether a Metadata request of version 0, which begins alike, is excluded:
/// letters of a parameter's name ("user") stand where its correlation id does,
/// and clients count that from near zero.
bool names_a_parameter(std::string_view text) {
  if (text.size() < 12)
    return false;
  auto name = text.substr(8, 4);
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
  });
}

bool is_kafka(std::string_view text) {
  auto length = number_at(text, 0, 4);
  auto api = number_at(text, 4, 2);
  auto version = number_at(text, 6, 2);
  return length >= 8 && length < int64_t{1} << 31 && api >= 0 && api <= 1000
         && version >= 0 && version <= 100;
}

std::string kafka_sentence(sniffed_protocol protocol, std::string_view where) {
  auto port = "This port (" + std::string{where} + ") speaks Kafka's protocol";
  switch (protocol) {
  case sniffed_protocol::http:
  case sniffed_protocol::http2:
    return port + ", not HTTP; health and metrics are on the HTTP port.";
  case sniffed_protocol::tls:
    return port
           + " in plain text, not TLS; set security.protocol=PLAINTEXT "
             "in the client.";
  case sniffed_protocol::ssh:
    return port + ", not SSH.";
  case sniffed_protocol::zookeeper_connect:
  case sniffed_protocol::zookeeper_command:
    return port
           + ", not ZooKeeper's; give this client the ZooKeeper port, or "
             "a Kafka tool --bootstrap-server instead of --zookeeper.";
  case sniffed_protocol::redis:
    return port + ", not that of Redis.";
  case sniffed_protocol::postgres:
    return port + ", not that of PostgreSQL.";
  case sniffed_protocol::millrace_node:
    return port
           + " with clients; controller.quorum.voters and "
             "millrace.cluster.advertised.listener name the cluster port.";
  default:
    return port + ", and what came is no request of it.";
  }
}

std::string cluster_sentence(
  sniffed_protocol protocol, std::string_view where) {
  auto port = "On this port (" + std::string{where}
              + ") the nodes of a Millrace cluster talk to one another";
  switch (protocol) {
  case sniffed_protocol::kafka:
    return port
           + "; give a Kafka client the address in `listeners` "
             "(advertised.listeners).";
  case sniffed_protocol::tls:
    return port
           + " in plain text, not TLS; all nodes need the same "
             "millrace.cluster.ssl settings.";
  case sniffed_protocol::http:
  case sniffed_protocol::http2:
    return port + ", not HTTP; health and metrics are on the HTTP port.";
  default:
    return port + ".";
  }
}

std::string number_of(size_t value, size_t size) {
  std::string bytes;
  for (size_t i = size; i-- > 0;)
    bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

std::string http_answer(const std::string& text) {
  auto body = text + "\n";
  return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
         "Content-Length: "
         + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

std::string http2_answer(const std::string& text) {
  // Empty SETTINGS, then GOAWAY (RFC 9113, 6.5 and 6.8): last stream 0,
  // PROTOCOL_ERROR (1), and the text as its debug data.
  auto settings = number_of(0, 3) + "\x04"s + number_of(0, 5);
  auto goaway = number_of(8 + text.size(), 3) + "\x07"s + number_of(0, 5);
  return settings + goaway + number_of(0, 4) + number_of(1, 4) + text;
}

std::string postgres_answer(const std::string& text) {
  // ErrorResponse: severity, SQLSTATE (protocol violation), message.
  auto fields = "SFATAL\0C08P01\0M"s + text + "\0\0"s;
  return "E" + number_of(4 + fields.size(), 4) + fields;
}

std::string answer(sniffed_protocol protocol, const std::string& text) {
  switch (protocol) {
  case sniffed_protocol::http:
    return http_answer(text);
  case sniffed_protocol::http2:
    return http2_answer(text);
  case sniffed_protocol::tls:
    // A fatal alert, handshake_failure (40), RFC 8446 6.
    return "\x15\x03\x01\x00\x02\x02\x28"s;
  case sniffed_protocol::ssh:
    // Lines before the version are for people, RFC 4253 4.2.
  case sniffed_protocol::zookeeper_command:
    return text + "\r\n";
  case sniffed_protocol::redis:
    return "-ERR " + text + "\r\n";
  case sniffed_protocol::postgres:
    return postgres_answer(text);
  default:
    return {};
  }
}

} // namespace

const char* to_string(sniffed_protocol protocol) {
  switch (protocol) {
  case sniffed_protocol::http:
    return "HTTP";
  case sniffed_protocol::http2:
    return "HTTP/2";
  case sniffed_protocol::tls:
    return "TLS";
  case sniffed_protocol::ssh:
    return "SSH";
  case sniffed_protocol::zookeeper_connect:
    return "a ZooKeeper client";
  case sniffed_protocol::zookeeper_command:
    return "a ZooKeeper four-letter command";
  case sniffed_protocol::redis:
    return "Redis";
  case sniffed_protocol::postgres:
    return "PostgreSQL";
  case sniffed_protocol::kafka:
    return "Kafka";
  case sniffed_protocol::millrace_node:
    return "the protocol between Millrace nodes";
  case sniffed_protocol::unknown:
    break;
  }
  return "an unknown protocol";
}

sniffed_protocol sniff_protocol(std::span<const std::byte> first_bytes) {
  std::string_view text{
    reinterpret_cast<const char*>(first_bytes.data()), first_bytes.size()};
  if (text.starts_with("PRI * HTTP/2"))
    return sniffed_protocol::http2;
  if (starts_with_one(text, http_methods))
    return sniffed_protocol::http;
  if (text.starts_with("MRH1"))
    return sniffed_protocol::millrace_node;
  // A handshake record of SSL 3.0 to TLS 1.3, RFC 8446 5.1.
  if (text.starts_with("\x16\x03"))
    return sniffed_protocol::tls;
  if (text.starts_with("SSH-"))
    return sniffed_protocol::ssh;
  if (starts_with_one(text, zookeeper_words))
    return sniffed_protocol::zookeeper_command;
  auto is_resp
    = text.size() > 1 && text[0] == '*' && text[1] >= '0' && text[1] <= '9';
  if (is_resp || starts_with_one(text, redis_words))
    return sniffed_protocol::redis;
  if (is_zookeeper_connect(text))
    return sniffed_protocol::zookeeper_connect;
  if (is_postgres_request(text) || is_postgres_startup(text))
    return sniffed_protocol::postgres;
  return is_kafka(text) ? sniffed_protocol::kafka : sniffed_protocol::unknown;
}

sniffed_protocol sniff_unfinished(std::span<const std::byte> first_bytes) {
  std::string_view text{
    reinterpret_cast<const char*>(first_bytes.data()), first_bytes.size()};
  if (is_postgres_request(text)
      || (is_postgres_startup(text) && names_a_parameter(text)))
    return sniffed_protocol::postgres;
  return sniffed_protocol::unknown;
}

std::string answer_on_kafka_port(
  sniffed_protocol protocol, std::string_view where) {
  return answer(protocol, kafka_sentence(protocol, where));
}

std::string explain_on_kafka_port(
  sniffed_protocol protocol, std::string_view where) {
  return std::string{to_string(protocol)} + " was spoken. "
         + kafka_sentence(protocol, where);
}

std::string answer_on_cluster_port(
  sniffed_protocol protocol, std::string_view where) {
  return answer(protocol, cluster_sentence(protocol, where));
}

std::string explain_on_cluster_port(
  sniffed_protocol protocol, std::string_view where) {
  return std::string{to_string(protocol)} + " was spoken. "
         + cluster_sentence(protocol, where);
}

} // namespace millrace
