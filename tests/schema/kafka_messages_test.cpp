// Every generated message in every version.

#include "schema/kafka/header.hpp"
#include "schema/kafka_wire.hpp"
#include "tests/schema/random_message.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::kafka;

namespace {

template <class T>
std::string encoded(const T& message, int16_t version) {
  kafka_writer writer;
  encode(writer, version, message);
  auto flat = flatten(writer.finish());
  return flat.value();
}

template <class T>
T random_message(uint64_t seed, int16_t version, bool with_tagged = true) {
  T message;
  random_filler fill{seed, version, with_tagged};
  visit_fields(fill, version, message);
  return message;
}

/// Calls f(message_type, version, seed) for each version of each message.
template <class F>
void for_each_version(int seeds, F f) {
  visit_messages([&](auto type) {
    for (int16_t v = type.min_version; v <= type.max_version; ++v)
      for (int seed = 1; seed <= seeds; ++seed)
        f(type, v, static_cast<uint64_t>(seed * 1000 + v));
  });
}

template <class T>
std::string named(const message_type<T>& type, int16_t v, uint64_t seed) {
  return std::string{type.name} + " version " + std::to_string(v) + ", seed "
         + std::to_string(seed);
}

} // namespace

TEST_CASE("every message in every version decodes to what was encoded",
  "[schema][kafka_messages]") {
  size_t checked = 0;
  for_each_version(20, [&](auto type, int16_t v, uint64_t seed) {
    using message_t = typename decltype(type)::type;
    const auto message = random_message<message_t>(seed, v);
    const auto bytes = encoded(message, v);
    kafka_reader reader{shared_bytes::copy_of(bytes)};
    message_t decoded;
    const auto done = decode(reader, v, decoded);
    INFO(named(type, v, seed) << ": " << to_string(done.error()));
    REQUIRE(done.ok());
    REQUIRE(reader.remaining() == 0);
    REQUIRE(decoded == message);
    REQUIRE(encoded(decoded, v) == bytes);
    REQUIRE(to_json(decoded, v) == to_json(message, v));
    ++checked;
  });
  // 30 requests and 30 responses and 6 records, each in its versions: the
  // number only guards against a visitor that visits nothing.
  CHECK(checked >= 20 * 66);
}

TEST_CASE("a message with nothing but defaults comes back as it was",
  "[schema][kafka_messages]") {
  for_each_version(1, [&](auto type, int16_t v, uint64_t seed) {
    typename decltype(type)::type message, decoded;
    kafka_reader reader{shared_bytes::copy_of(encoded(message, v))};
    const auto done = decode(reader, v, decoded);
    INFO(named(type, v, seed) << ": " << to_string(done.error()));
    REQUIRE(done.ok());
    REQUIRE(reader.remaining() == 0);
    REQUIRE(encoded(decoded, v) == encoded(message, v));
  });
}

TEST_CASE(
  "a message cut short at any byte is an error", "[schema][kafka_messages]") {
  for_each_version(2, [&](auto type, int16_t v, uint64_t seed) {
    using message_t = typename decltype(type)::type;
    const auto whole
      = shared_bytes::copy_of(encoded(random_message<message_t>(seed, v), v));
    for (size_t size = 0; size < whole.size(); ++size) {
      // A block of its own, so that a sanitizer sees a read past the end.
      kafka_reader reader{shared_bytes::copy_of(whole.slice(0, size).span())};
      message_t decoded;
      if (decode(reader, v, decoded).ok())
        FAIL(named(type, v, seed) << " cut to " << size << " bytes decodes");
    }
  });
}

TEST_CASE("lengths and counts that lie take no memory beyond the bound",
  "[schema][kafka_messages]") {
  // Four bytes at a time become a lie: 2^31 - 1 and -1 as fixed lengths, the
  // largest varint, and small ones.
  const std::string_view lies[]
    = {{"\x7f\xff\xff\xff", 4}, {"\xff\xff\xff\xff", 4},
      {"\xff\xff\xff\x7f", 4}, {"\x00\x01\xff\xff", 4}, {"\x80\x80\x08", 3}};
  for_each_version(1, [&](auto type, int16_t v, uint64_t seed) {
    using message_t = typename decltype(type)::type;
    const auto honest = encoded(random_message<message_t>(seed, v), v);
    const auto bound = kafka_reader::memory_base
                       + (kafka_reader::memory_per_byte + 2) * honest.size();
    for (const auto lie : lies) {
      for (size_t at = 0; at + lie.size() <= honest.size(); ++at) {
        auto bytes = honest;
        bytes.replace(at, lie.size(), lie);
        kafka_reader reader{shared_bytes::copy_of(bytes)};
        message_t decoded;
        // Some lies hit a field where any value is right.
        static_cast<void>(decode(reader, v, decoded).ok());
        memory_counter memory{v};
        memory.count(decoded);
        if (memory.bytes > bound)
          FAIL(named(type, v, seed) << " takes " << memory.bytes << " bytes");
      }
    }
  });
}

TEST_CASE("a frame of honest but tiny elements cannot amplify itself",
  "[schema][kafka_messages]") {
  // DescribeGroups 5: count, then one byte for each empty group id, which
  // would take 32 bytes each in memory.
  const uint32_t count = 1'000'000;
  kafka_writer writer;
  writer.write_uvarint(count + 1);
  writer.write_raw(std::string(count, '\x01'));
  writer.write_bool(false);
  writer.write_uvarint(0);
  kafka_reader reader{shared_bytes::copy_of(flatten(writer.finish()).value())};
  describe_groups_request request;
  const auto done = decode(reader, 5, request);
  CHECK(done.error().code == errc::too_large);
  CHECK(request.groups.empty());
}

TEST_CASE(
  "tagged fields of the future are skipped", "[schema][kafka_messages]") {
  size_t checked = 0;
  for_each_version(2, [&](auto type, int16_t v, uint64_t seed) {
    using message_t = typename decltype(type)::type;
    const auto message = random_message<message_t>(seed, v, false);
    auto bytes = encoded(message, v);
    // Flexible versions end with the count of the outermost struct's tagged
    // fields; in others the last byte belongs to a field.
    if (bytes.empty() || bytes.back() != '\0')
      return;
    bytes.back() = '\x02';
    bytes += std::string{"\xe8\x07\x03xyz\xe9\x07\x00", 9};
    kafka_reader reader{shared_bytes::copy_of(bytes)};
    message_t decoded;
    const auto done = decode(reader, v, decoded);
    if (reader.remaining() != 0)
      return; // not flexible, and the last byte happened to be 0
    INFO(named(type, v, seed) << ": " << to_string(done.error()));
    REQUIRE(done.ok());
    REQUIRE(decoded == message);
    ++checked;
  });
  CHECK(checked > 100);
}

TEST_CASE("a known tagged field with bytes left over is corrupt",
  "[schema][kafka_messages]") {
  const auto bytes = encoded(offset_commit_value{.topic_id = {1, 2}}, 4);
  // The tagged topic_id is at the end: count, tag, size 16, 16 bytes.
  auto longer = bytes;
  longer[bytes.size() - 17] = 17;
  longer += '\0';
  kafka_reader reader{shared_bytes::copy_of(longer)};
  offset_commit_value decoded;
  CHECK(decode(reader, 4, decoded).error().code == errc::corrupt);
}

TEST_CASE("a version that the message does not have is unsupported",
  "[schema][kafka_messages]") {
  visit_messages([](auto type) {
    for (int v : {type.min_version - 1, type.max_version + 1}) {
      kafka_reader reader{shared_bytes::copy_of(std::string(1000, '\0'))};
      typename decltype(type)::type decoded;
      const auto done = decode(reader, static_cast<int16_t>(v), decoded);
      CHECK(done.error().code == errc::unsupported);
    }
  });
}

TEST_CASE("a field of another version is skipped when it is encoded",
  "[schema][kafka_messages]") {
  heartbeat_request request{.group_id = "g", .generation_id = 1};
  const auto without = encoded(request, 2);
  request.group_instance_id = "static";
  CHECK(encoded(request, 2) == without);
  CHECK(encoded(request, 3) != without);
}

TEST_CASE("null becomes empty where a version knows no null",
  "[schema][kafka_messages]") {
  metadata_request request;
  request.topics.reset();
  // Version 0: a count of 0. Version 1: a count of -1.
  CHECK(encoded(request, 0) == std::string(4, '\0'));
  CHECK(encoded(request, 1) == std::string(4, '\xff'));
}

TEST_CASE("an error names the message, the field and the byte",
  "[schema][kafka_messages]") {
  kafka_reader reader{shared_bytes::copy_of(std::string_view{"\0\x01g", 3})};
  heartbeat_request request;
  const auto done = decode(reader, 0, request);
  CHECK(to_string(done.error())
        == "heartbeat_request version 0, field generation_id, byte 3: needs 4 "
           "bytes, 0 remain: cut short");
}
