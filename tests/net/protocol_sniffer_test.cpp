#include "net/protocol_sniffer.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace std::string_literals;

namespace {

sniffed_protocol sniff(const std::string& text) {
  return sniff_protocol(std::as_bytes(std::span{text}));
}

sniffed_protocol sniff_begun(const std::string& text) {
  return sniff_unfinished(std::as_bytes(std::span{text}));
}

} // namespace

TEST_CASE("lost clients are told apart by their first bytes",
  "[net][protocol_sniffer]") {
  CHECK(sniff("GET / HTTP/1.1\r\n") == sniffed_protocol::http);
  CHECK(sniff("POST /topics HTTP/1.1\r\n") == sniffed_protocol::http);
  CHECK(sniff("PRI * HTTP/2.0\r\n\r\nSM") == sniffed_protocol::http2);
  CHECK(sniff("\x16\x03\x01\x02\x00\x01"s) == sniffed_protocol::tls);
  CHECK(sniff("SSH-2.0-OpenSSH_9.2\r\n") == sniffed_protocol::ssh);
  CHECK(sniff("ruok") == sniffed_protocol::zookeeper_command);
  CHECK(sniff("mntr\n") == sniffed_protocol::zookeeper_command);
  CHECK(sniff("*1\r\n$4\r\nPING\r\n") == sniffed_protocol::redis);
  CHECK(sniff("\0\0\0\x08\x04\xd2\x16\x2f"s) == sniffed_protocol::postgres);
  CHECK(sniff("MRH1\x48\0\0\0"s) == sniffed_protocol::millrace_node);
  CHECK(sniff("") == sniffed_protocol::unknown);
  CHECK(sniff("\xff\xff\xff\xff\xff\xff\xff\xff") == sniffed_protocol::unknown);
}

TEST_CASE("a ZooKeeper client's connect is not taken for a produce",
  "[net][protocol_sniffer]") {
  // Length 45; version, zxid, time-out, session, password, read-only flag.
  auto connect = "\0\0\0\x2d"s + std::string(4, '\0') + std::string(8, '\0')
                 + "\0\0\x75\x30"s + std::string(8, '\0') + "\0\0\0\x10"s
                 + std::string(17, '\0');
  REQUIRE(connect.size() == 4 + 45);
  CHECK(sniff(connect) == sniffed_protocol::zookeeper_connect);
}

TEST_CASE("PostgreSQL's requests are told before their length, which counts "
          "itself, has arrived",
  "[net][protocol_sniffer]") {
  // SSLRequest, GSSENCRequest, and the beginning of a CancelRequest.
  CHECK(
    sniff_begun("\0\0\0\x08\x04\xd2\x16\x2f"s) == sniffed_protocol::postgres);
  CHECK(
    sniff_begun("\0\0\0\x08\x04\xd2\x16\x30"s) == sniffed_protocol::postgres);
  CHECK(
    sniff_begun("\0\0\0\x10\x04\xd2\x16\x2e"s) == sniffed_protocol::postgres);
  // A startup without TLS: length 22, version 3.0, and parameters.
  CHECK(sniff_begun("\0\0\0\x16\0\x03\0\0user\0postgres\0\0"s)
        == sniffed_protocol::postgres);
}

TEST_CASE("no Kafka request is cut off for what has arrived of it",
  "[net][protocol_sniffer]") {
  // Metadata (3) version 0, which begins as a startup does; correlation id 1.
  auto metadata = "\0\0\0\x14\0\x03\0\0\0\0\0\x01\0\x04test"s;
  auto versions = "\0\0\0\x14\0\x12\0\x03\0\0\0\x01\0\x04test"s;
  for (size_t size = 0; size <= metadata.size(); ++size) {
    CHECK(sniff_begun(metadata.substr(0, size)) == sniffed_protocol::unknown);
    CHECK(sniff_begun(versions.substr(0, size)) == sniffed_protocol::unknown);
  }
  CHECK(sniff_begun("\0\0\0\x08\x04\xd2\x16"s) == sniffed_protocol::unknown);
}

TEST_CASE("a Kafka request is recognized", "[net][protocol_sniffer]") {
  // Length 20, ApiVersions (18) version 3, correlation id 1.
  CHECK(sniff("\0\0\0\x14\0\x12\0\x03\0\0\0\x01"s) == sniffed_protocol::kafka);
}

TEST_CASE("a lost HTTP client gets an HTTP answer with the whole sentence",
  "[net][protocol_sniffer]") {
  auto answer = answer_on_kafka_port(sniffed_protocol::http, "10.0.0.1:9092");
  CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(answer.find("10.0.0.1:9092") != std::string::npos);
  auto body = answer.substr(answer.find("\r\n\r\n") + 4);
  CHECK(answer.find("Content-Length: " + std::to_string(body.size()) + "\r\n")
        != std::string::npos);
}

TEST_CASE("a TLS client gets a fatal alert", "[net][protocol_sniffer]") {
  auto answer = answer_on_kafka_port(sniffed_protocol::tls, "x:1");
  CHECK(answer == "\x15\x03\x01\0\x02\x02\x28"s);
  CHECK(explain_on_kafka_port(sniffed_protocol::tls, "x:1")
          .find("security.protocol=PLAINTEXT")
        != std::string::npos);
}

TEST_CASE("a PostgreSQL client gets an error that its library can print",
  "[net][protocol_sniffer]") {
  auto answer = answer_on_kafka_port(sniffed_protocol::postgres, "x:1");
  REQUIRE(answer.size() > 5);
  CHECK(answer[0] == 'E');
  // The length counts itself and all that follows.
  CHECK(static_cast<uint8_t>(answer[4]) + 256 * static_cast<uint8_t>(answer[3])
        == static_cast<int>(answer.size()) - 1);
  CHECK(answer.ends_with("\0\0"s));
}

TEST_CASE("every protocol has a name and a sentence for the log",
  "[net][protocol_sniffer]") {
  for (auto i = 0; i <= static_cast<int>(sniffed_protocol::kafka); ++i) {
    auto protocol = static_cast<sniffed_protocol>(i);
    CHECK_FALSE(std::string{to_string(protocol)}.empty());
    CHECK(explain_on_kafka_port(protocol, "here:9092").find("here:9092")
          != std::string::npos);
  }
}

TEST_CASE("a node at the Kafka port and a client at the cluster port are told "
          "apart",
  "[net][protocol_sniffer]") {
  using enum sniffed_protocol;
  auto has = [](const std::string& text, std::string_view part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  has(
    explain_on_kafka_port(millrace_node, "h:9092"), "controller.quorum.voters");
  CHECK(answer_on_kafka_port(millrace_node, "h:9092").empty());
  has(explain_on_cluster_port(kafka, "h:9393"), "advertised.listeners");
  CHECK(answer_on_cluster_port(kafka, "h:9393").empty());
  has(answer_on_cluster_port(http, "h:9393"), "(h:9393)");
}
