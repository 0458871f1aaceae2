#include "schema/capnp_bytes.hpp"
#include "schema/replica.capnp.h"
#include "schema/replica_codec.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

/// One of each kind, with every field away from its default.
std::vector<replica_body> one_of_each() {
  replica_answer data{.number = 8,
    .final = true,
    .high_watermark = offset{90},
    .log_start = offset{10},
    .waited_for = true,
    .batches = shared_bytes::copy_of("batches")};
  replica_answer parting{.number = 8,
    .final = true,
    .high_watermark = offset{90},
    .log_start = offset{10},
    .diverging = replica_divergence{leader_epoch{4}, offset{95}}};
  return {replica_fetch{8, 77, offset{100}, offset{95}, offset{10},
            leader_epoch{5}, offset{90}, 4096, true, true},
    std::move(data), std::move(parting), replica_nudge{}};
}

template <class Fill>
errc error_of(Fill&& fill, std::vector<shared_bytes> runs = {}) {
  capnp::MallocMessageBuilder builder;
  fill(builder.initRoot<wire::ReplicaMessage>());
  const auto got
    = decode_replica_message({.conversation = conversation::replica,
      .message = to_shared_bytes(builder),
      .runs = std::move(runs)});
  return got.ok() ? errc::none : got.error().code;
}

} // namespace

TEST_CASE("every replica message comes back as it was encoded, also through a "
          "whole frame; a fetch has two positions (R2)",
  "[schema][replica_codec]") {
  for (const auto& body : one_of_each()) {
    const replica_message message{{1, ~0ull}, 12, leader_epoch{6}, body};
    const auto received = decode_envelope(encode(encode(message)));
    REQUIRE(received.ok());
    const auto back = decode_replica_message(*received);
    REQUIRE(back.ok());
    CHECK(*back == message);
  }
}

TEST_CASE("batches are not copied", "[schema][replica_codec]") {
  const replica_message message{{1, 2}, 0, leader_epoch{6}, one_of_each()[1]};
  const auto sent = encode(message);
  const auto& batches = std::get<replica_answer>(message.body).batches;
  CHECK(sent.runs.at(0).data() == batches.data());
  const auto back = decode_replica_message(sent);
  REQUIRE(back.ok());
  CHECK(std::get<replica_answer>(back->body).batches.data() == batches.data());
}

TEST_CASE(
  "positions that no log can have are corrupt", "[schema][replica_codec]") {
  const auto fetch = [](int64_t appended, int64_t durable, int64_t start) {
    return error_of([&](wire::ReplicaMessage::Builder m) {
      auto body = m.initFetch();
      body.setAppendedOffset(appended);
      body.setDurableOffset(durable);
      body.setLogStartOffset(start);
    });
  };
  CHECK(fetch(5, 5, 5) == errc::none);
  CHECK(fetch(5, 6, 0) == errc::corrupt); // on disk before it is appended
  CHECK(fetch(5, -1, 0) == errc::corrupt);
  CHECK(fetch(5, 5, 6) == errc::corrupt); // starts behind its end
  CHECK(error_of([](wire::ReplicaMessage::Builder m) {
    m.initAnswer().setHighWatermark(-2);
  }) == errc::corrupt);
}

TEST_CASE(
  "bytes that belong to nothing are corrupt", "[schema][replica_codec]") {
  const std::vector<shared_bytes> one{shared_bytes::copy_of("x")};
  CHECK(error_of(
          [](wire::ReplicaMessage::Builder m) {
            m.setNudge();
          },
          one)
        == errc::corrupt);
  CHECK(error_of(
          [](wire::ReplicaMessage::Builder m) {
            m.initAnswer(); // news
          },
          one)
        == errc::corrupt);
  CHECK(error_of(
          [](wire::ReplicaMessage::Builder m) {
            m.initAnswer().setFinal(true);
          },
          {one[0], one[0]})
        == errc::corrupt);
}

TEST_CASE("a message that says nothing, or is of no partition, is corrupt",
  "[schema][replica_codec]") {
  CHECK(error_of([](wire::ReplicaMessage::Builder) {}) == errc::corrupt);
  CHECK(error_of([](wire::ReplicaMessage::Builder m) {
    m.setNudge();
    m.setPartition(-1);
  }) == errc::corrupt);
  CHECK(error_of([](wire::ReplicaMessage::Builder m) {
    m.setNudge();
    m.setLeaderEpoch(-1);
  }) == errc::corrupt);
}

} // namespace millrace
