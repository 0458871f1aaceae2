#include "schema/capnp_bytes.hpp"
#include "schema/metadata.capnp.h"
#include "schema/metadata_command.hpp"
#include "schema/metadata_head.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace millrace;

namespace {

partition_registration partition(int32_t index) {
  partition_registration p;
  p.index = index;
  p.replicas = {{3}, {1}, {2}};
  p.isr = {{3}, {2}};
  p.leader = {3};
  p.epoch = {7};
  p.partition_epoch = 12;
  p.directories = {uuid{1, 2}, uuid{3, 4}, uuid{5, ~0ull}};
  p.eligible = {{4}, {5}};
  p.cut_short = {{{1}, {7}, {300}}, {{2}, {-1}, {0}}};
  p.adding = {{6}};
  p.removing = {{7}, {8}};
  return p;
}

/// One of each kind, with every field away from its default.
std::vector<metadata_command> one_of_each() {
  return {
    cluster_created{"MkU3OEVBNTcwNTJENDM2Qg"},
    topic_created{"orders", uuid{8, 9}, {partition(0), partition(1)},
      {{"retention.ms", "1000"}, {"empty", ""}, {"gone", std::nullopt}}},
    topic_deleted{uuid{~0ull, 1}},
    partitions_added{uuid{8, 9}, {partition(2)}},
    partition_changed{uuid{8, 9}, partition(1)},
    configs_changed{
      config_resource::broker, "1", {{"min.insync.replicas", "2"}}},
    broker_registered{{1}, uuid{10, 11}, {uuid{12, 13}},
      {{"PLAINTEXT", "example.org", 9092, 0}, {"SSL", "::1", 65535, 1}},
      "rack-a", 42, true},
    broker_registered{{2}, uuid{10, 11}, {}, {}, std::nullopt, 43, false},
    broker_registered{
      {3}, uuid{10, 11}, {}, {}, std::nullopt, 44, true, true, 1'000},
    broker_fenced{{1}, 42, false, true},
    broker_removed{{9}},
    producer_ids_allocated{{5'000'000'000}, 1000, {1}},
    feature_level{"metadata.version", 27},
    leadership_began{{2}},
    quotas_changed{
      {{{{quota_user, "alice"}, {quota_client_id, std::nullopt}},
         {{"producer_byte_rate", 1e6}, {"request_percentage", std::nullopt}}},
        {{{quota_ip, "::1"}}, {{"connection_creation_rate", 2.5}}},
        {{{quota_user, ""}}, {}}}},
  };
}

} // namespace

TEST_CASE("every metadata command comes back as it was encoded",
  "[schema][metadata_command]") {
  std::set<size_t> kinds;
  for (const auto& command : one_of_each()) {
    INFO(name_of(command));
    kinds.insert(command.index());
    const auto bytes = encode(command);
    CHECK(bytes.size() % 8 == 0);
    const auto back = decode_metadata_command(bytes);
    REQUIRE(back.ok());
    CHECK(*back == command);
  }
  CHECK(kinds.size() == std::variant_size_v<metadata_command>);
}

TEST_CASE("a command reads the same where it is not aligned in memory",
  "[schema][metadata_command]") {
  const auto bytes = encode(metadata_command{feature_level{"f", 3}});
  const auto shifted = shared_bytes::allocate(bytes.size() + 1);
  std::memcpy(shifted.data() + 1, bytes.data(), bytes.size());
  const auto back = decode_metadata_command(shifted.slice(1, bytes.size()));
  REQUIRE(back.ok());
  CHECK(*back == metadata_command{feature_level{"f", 3}});
}

TEST_CASE("a command that is cut short at any byte is corrupt",
  "[schema][metadata_command]") {
  for (const auto& command : one_of_each()) {
    const auto bytes = encode(command);
    for (size_t size = 0; size < bytes.size(); ++size) {
      const auto back = decode_metadata_command(bytes.slice(0, size));
      REQUIRE_FALSE(back.ok());
      CHECK(back.error().code == errc::corrupt);
    }
  }
}

TEST_CASE("a command of a newer version is unsupported, not skipped",
  "[schema][metadata_command]") {
  capnp::MallocMessageBuilder message;
  message.initRoot<wire::Command>().setBrokerRemoved(1);
  const auto bytes = to_shared_bytes(message);
  // The discriminant is the only 16-bit 9 in the message (brokerRemoved @9).
  bool changed = false;
  for (size_t i = 8; i + 2 <= bytes.size(); i += 2) {
    if (bytes.data()[i] != std::byte{9} || bytes.data()[i + 1] != std::byte{})
      continue;
    bytes.writable()[i] = std::byte{200};
    changed = true;
  }
  REQUIRE(changed);
  const auto back = decode_metadata_command(bytes);
  REQUIRE_FALSE(back.ok());
  CHECK(back.error().code == errc::unsupported);
  CHECK_THAT(back.error().context,
    Catch::Contains("200") && Catch::Contains("newer version"));
}

TEST_CASE("a message of zeros is no command", "[schema][metadata_command]") {
  capnp::MallocMessageBuilder message;
  message.initRoot<wire::Command>();
  const auto back = decode_metadata_command(to_shared_bytes(message));
  REQUIRE_FALSE(back.ok());
  CHECK(back.error().code == errc::corrupt);
}

TEST_CASE("damaged commands are refused or read, and never harm (R29)",
  "[schema][metadata_command]") {
  std::mt19937 random{20240607};
  for (const auto& command : one_of_each()) {
    const auto good = encode(command);
    for (int round = 0; round < 300; ++round) {
      const auto bytes = shared_bytes::copy_of(good.span());
      for (int flips = 0; flips < 3; ++flips)
        bytes.writable()[random() % bytes.size()]
          = static_cast<std::byte>(random());
      const auto back = decode_metadata_command(bytes);
      if (!back)
        CHECK((back.error().code == errc::corrupt
               || back.error().code == errc::unsupported));
    }
  }
}

TEST_CASE("a list longer than its message is not followed (R29)",
  "[schema][metadata_command]") {
  // A list of 2^28 structs of no size needs one word. Reading it must not
  // build as many partitions.
  const uint64_t words[] = {
    uint64_t{5} << 32,                         // one segment of five words
    (uint64_t{1} << 48) | (uint64_t{1} << 32), // root: one data word, one ptr
    4,                                         // its kind: partitionsAdded
    uint64_t{2} << 48,       // pointer: a struct right behind, two pointers
    0,                       // topic: null
    1 | (uint64_t{7} << 32), // partitions: a composite list, no words
  };
  auto bytes = shared_bytes::allocate(sizeof words + 8);
  std::memcpy(bytes.data(), words, sizeof words);
  const uint64_t tag = (uint64_t{1} << 28 << 2); // 2^28 elements of no size
  std::memcpy(bytes.data() + sizeof words, &tag, 8);
  const uint64_t segment = uint64_t{6} << 32;
  std::memcpy(bytes.data(), &segment, 8);
  const auto back = decode_metadata_command(bytes);
  REQUIRE_FALSE(back.ok());
  CHECK(back.error().code == errc::corrupt);
}

TEST_CASE("the head of an image comes back as it was encoded",
  "[schema][metadata_command]") {
  metadata_head head;
  head.applied_index = 123;
  head.applied_term = 4;
  head.log_id = {5, 6};
  head.cluster_id = "cluster";
  head.next_producer_id = {7000};
  head.next_broker_epoch = 8;
  head.features = {{"a", 1}, {"b", 2}};
  const auto back = decode_metadata_head(encode(head));
  REQUIRE(back.ok());
  CHECK(*back == head);
}

TEST_CASE(
  "an image of another version is unsupported", "[schema][metadata_command]") {
  metadata_head head;
  head.version = metadata_image_version + 1;
  const auto back = decode_metadata_head(encode(head));
  REQUIRE_FALSE(back.ok());
  CHECK(back.error().code == errc::unsupported);
}
