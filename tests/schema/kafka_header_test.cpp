#include "schema/kafka/header.hpp"
#include "schema/kafka/heartbeat.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::kafka;

namespace {

std::string bytes_of(kafka_writer& writer) {
  return flatten(writer.finish()).value();
}

request_header decoded(std::string_view bytes) {
  kafka_reader reader{shared_bytes::copy_of(bytes)};
  request_header header;
  const auto done = decode(reader, header);
  INFO(to_string(done.error()));
  CHECK(done.ok());
  CHECK(reader.remaining() == 0);
  return header;
}

} // namespace

TEST_CASE("a header of version 1 has no tagged fields", "[schema][header]") {
  // Metadata 8; flexible versions begin with 9.
  const request_header header{3, 8, 7, "me"};
  kafka_writer writer;
  encode(writer, header);
  const auto bytes = bytes_of(writer);
  CHECK(bytes == std::string_view{"\0\x03\0\x08\0\0\0\x07\0\x02me", 12});
  CHECK(decoded(bytes) == header);
}

TEST_CASE("a header of version 2 ends with tagged fields and keeps the plain "
          "client id",
  "[schema][header]") {
  const request_header header{3, 9, 7, std::nullopt};
  kafka_writer writer;
  encode(writer, header);
  const auto bytes = bytes_of(writer);
  CHECK(bytes == std::string_view{"\0\x03\0\x09\0\0\0\x07\xff\xff\0", 11});
  CHECK(decoded(bytes) == header);
}

TEST_CASE(
  "the header of an unknown API gives its correlation id", "[schema][header]") {
  const auto header
    = decoded(std::string_view{"\x7f\xff\0\x09\0\0\0\x07\xff\xff", 10});
  CHECK(header.api_key == 32767);
  CHECK(header.correlation_id == 7);
}

TEST_CASE("an ApiVersions request of a version to come has a header of "
          "version 2 (KIP-511)",
  "[schema][header]") {
  const auto header
    = decoded(std::string_view{"\0\x12\0\x63\0\0\0\x07\0\x01x\0", 12});
  CHECK(header.api_version == 99);
}

TEST_CASE("responses of flexible versions have tagged fields in the header, "
          "but never ApiVersions (KIP-511)",
  "[schema][header]") {
  auto header = [](int16_t key, int16_t version) {
    kafka_writer writer;
    encode_response_header(writer, key, version, 5);
    return bytes_of(writer);
  };
  CHECK(header(3, 8) == std::string_view{"\0\0\0\x05", 4});
  CHECK(header(3, 9) == std::string_view{"\0\0\0\x05\0", 5});
  CHECK(header(18, 4) == std::string_view{"\0\0\0\x05", 4});
  kafka_reader reader{shared_bytes::copy_of(header(3, 9))};
  CHECK(decode_response_header(reader, 3, 9).value() == 5);
  CHECK(reader.remaining() == 0);
}

TEST_CASE("a header cut short at any byte is an error", "[schema][header]") {
  const std::string_view whole{"\0\x03\0\x09\0\0\0\x07\0\x02me\0", 13};
  for (size_t size = 0; size < whole.size(); ++size) {
    kafka_reader reader{shared_bytes::copy_of(whole.substr(0, size))};
    request_header header;
    CHECK_FALSE(decode(reader, header).ok());
  }
}

TEST_CASE(
  "Produce is advertised from 0 on but read from 3 on", "[schema][apis]") {
  const auto* found = find_api(0);
  REQUIRE(found != nullptr);
  CHECK(std::string{found->name} == "Produce");
  CHECK(found->advertised_min_version == 0);
  CHECK(found->min_version == 3);
  CHECK(found->max_version == 13);
  CHECK(found->flexible_from == 9);
}

TEST_CASE("an API is found by its key alone", "[schema][apis]") {
  for (const auto& x : apis())
    CHECK(find_api(static_cast<int16_t>(x.key)) == &x);
  CHECK(find_api(-1) == nullptr);
  CHECK(find_api(4) == nullptr); // LeaderAndIsr is not there
  CHECK(find_api(32767) == nullptr);
  CHECK(apis().size() == 70);
}

TEST_CASE("the frame in docs/formats/kafka-wire.md is what its page says",
  "[schema][header]") {
  const heartbeat_request message{
    .group_id = "g1", .generation_id = 7, .member_id = "m"};
  kafka_writer writer;
  writer.begin_frame();
  encode(writer, request_header{12, 4, 1, "cli"});
  encode(writer, 4, message);
  const auto frame = flatten(writer.finish_frame()).value();
  const std::string_view page{"\0\0\0\x19\0\x0c\0\x04\0\0\0\x01\0\x03"
                              "cli\0\x03g1\0\0\0\x07\x02m\0\0",
    29};
  CHECK(frame == page);
  encode(writer, 2, message);
  CHECK(bytes_of(writer) == std::string_view{"\0\x02g1\0\0\0\x07\0\x01m", 11});
  kafka_reader reader{shared_bytes::copy_of(page.substr(4))};
  request_header header;
  heartbeat_request read;
  REQUIRE(decode(reader, header).ok());
  REQUIRE(decode(reader, header.api_version, read).ok());
  CHECK(header.client_id == "cli");
  CHECK(read == message);
}
