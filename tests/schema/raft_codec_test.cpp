#include "schema/capnp_bytes.hpp"
#include "schema/raft.capnp.h"
#include "schema/raft_codec.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace millrace {

namespace {

shared_bytes bytes(std::string_view text) {
  return shared_bytes::copy_of(text);
}

raft_member member(int32_t node) {
  return {{node}, {~0ull, static_cast<uint64_t>(node) << 40}};
}

raft_configuration joint() {
  return {{member(1), member(4)}, {member(1), member(2)}, {member(9)}};
}

/// One of each kind, with every field away from its default.
std::vector<raft_message> one_of_each() {
  const std::vector<raft_body> bodies{
    raft_vote_request{7, {5, 1'000}, true, true},
    raft_vote_answer{7, true, true},
    raft_append_request{7, {5, 1'000}, 990, 77,
      {{5, 1'001, raft_entry_kind::command, bytes("first")},
        {6, 1'002, raft_entry_kind::configuration, encode(joint())},
        {7, 1'003, raft_entry_kind::leadership, {}}}},
    raft_append_request{7, {5, 1'000}, 990, 77, {}},
    raft_append_answer{7, true, 1'003, 12, {3, 900}, 77},
    raft_snapshot_chunk{
      7, {5, 1'000}, joint(), 1u << 20, true, 77, bytes("chunk")},
    raft_snapshot_answer{7, {5, 1'000}, 4'096, 77},
    raft_timeout_now{7},
  };
  std::vector<raft_message> all;
  for (const auto& body : bodies)
    all.push_back({member(1), member(-5), body});
  return all;
}

/// A message of these fields, as another node might send it.
template <class Fill>
result<raft_group_message> decoded(
  Fill&& fill, std::vector<shared_bytes> runs = {}) {
  capnp::MallocMessageBuilder builder;
  fill(builder.initRoot<wire::RaftMessage>());
  return decode_raft_message({.conversation = conversation::raft,
    .message = to_shared_bytes(builder),
    .runs = std::move(runs)});
}

} // namespace

TEST_CASE("every consensus message comes back as it was encoded, also through "
          "a whole frame",
  "[schema][raft_codec]") {
  std::set<size_t> kinds;
  for (const auto& message : one_of_each()) {
    INFO(to_string(message));
    kinds.insert(message.body.index());
    const auto sent = encode("metadata", message);
    const auto received = decode_envelope(encode(sent));
    REQUIRE(received.ok());
    const auto back = decode_raft_message(*received);
    REQUIRE(back.ok());
    CHECK(*back == raft_group_message{"metadata", message});
  }
  CHECK(kinds.size() == std::variant_size_v<raft_body>);
}

TEST_CASE("payloads of entries are not copied", "[schema][raft_codec]") {
  const auto message = one_of_each().at(2);
  const auto& entry = std::get<raft_append_request>(message.body).entries[0];
  const auto sent = encode("metadata", message);
  CHECK(sent.runs.at(0).data() == entry.payload.data());
  const auto back = decode_raft_message(sent);
  REQUIRE(back.ok());
  CHECK(
    std::get<raft_append_request>(back->message.body).entries[0].payload.data()
    == entry.payload.data());
}

TEST_CASE("entries that cannot follow on one another are corrupt",
  "[schema][raft_codec]") {
  const auto error_of
    = [](uint64_t previous_term, uint64_t first, uint64_t second, size_t runs) {
        const auto got = decoded(
          [&](wire::RaftMessage::Builder m) {
            m.setTerm(7);
            auto body = m.initAppendRequest();
            body.initPrevious().setTerm(previous_term);
            auto heads = body.initEntries(2);
            heads[0].setTerm(first);
            heads[1].setTerm(second);
          },
          std::vector<shared_bytes>(runs, bytes("x")));
        return got.ok() ? errc::none : got.error().code;
      };
  CHECK(error_of(3, 3, 7, 2) == errc::none);
  CHECK(error_of(3, 2, 7, 2) == errc::corrupt); // falls
  CHECK(error_of(3, 6, 5, 2) == errc::corrupt);
  CHECK(error_of(3, 6, 8, 2) == errc::corrupt); // of the future
  CHECK(error_of(3, 3, 7, 1) == errc::corrupt); // bytes are missing
  CHECK(error_of(3, 3, 7, 3) == errc::corrupt);
}

TEST_CASE("a message that says nothing, or has no term, is corrupt",
  "[schema][raft_codec]") {
  const auto nothing = decoded([](wire::RaftMessage::Builder m) {
    m.setTerm(7);
  });
  REQUIRE_FALSE(nothing.ok());
  CHECK(nothing.error().code == errc::corrupt);
  const auto no_term = decoded([](wire::RaftMessage::Builder m) {
    m.initVoteRequest();
  });
  REQUIRE_FALSE(no_term.ok());
  CHECK(no_term.error().code == errc::corrupt);
  // A member of a new group refuses a pre-vote in term 0.
  CHECK(decoded([](wire::RaftMessage::Builder m) {
    m.initVoteAnswer().setPreVote(true);
  }).ok());
}

TEST_CASE(
  "bytes beside a message that has none are corrupt", "[schema][raft_codec]") {
  const auto got = decoded(
    [](wire::RaftMessage::Builder m) {
      m.setTerm(7);
      m.setTimeoutNow();
    },
    {bytes("x")});
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().code == errc::corrupt);
}

TEST_CASE("an entry of a newer kind is unsupported", "[schema][raft_codec]") {
  const auto got = decoded(
    [](wire::RaftMessage::Builder m) {
      m.setTerm(7);
      auto head = m.initAppendRequest().initEntries(1)[0];
      head.setTerm(7);
      head.setKind(200);
    },
    {bytes("x")});
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().code == errc::unsupported);
}

TEST_CASE("a configuration that cannot be is corrupt, as an entry and in a "
          "snapshot",
  "[schema][raft_codec]") {
  const auto with = [](const raft_configuration& configuration) {
    return decode_raft_configuration(encode(configuration)).ok();
  };
  CHECK(with(joint()));
  CHECK_FALSE(with({}));
  CHECK_FALSE(with({{member(1), member(1)}, {}, {}}));
  CHECK_FALSE(with({{member(1)}, {}, {member(2), member(2)}}));
  raft_configuration many;
  for (int32_t i = 0; i <= static_cast<int32_t>(raft_members_max); ++i)
    many.voters.push_back(member(i));
  CHECK_FALSE(with(many));
  for (auto message : one_of_each()) {
    if (auto* chunk = std::get_if<raft_snapshot_chunk>(&message.body))
      chunk->configuration = {};
    else if (auto* append = std::get_if<raft_append_request>(&message.body);
      append && append->entries.size() == 3)
      append->entries[1].payload = bytes("nonsense");
    else
      continue;
    const auto back = decode_raft_message(encode("metadata", message));
    REQUIRE_FALSE(back.ok());
    CHECK(back.error().code == errc::corrupt);
  }
}

TEST_CASE("a list of members longer than its message is not followed (R29)",
  "[schema][raft_codec]") {
  // 2^28 members of no size need one word. A configuration of six words: the
  // root with three pointers, of which voters is such a list.
  const uint64_t words[] = {
    uint64_t{5} << 32,       // one segment of five words
    uint64_t{3} << 48,       // the root: no data, three pointers
    (uint64_t{7} << 32) | 9, // voters: a composite list, no words, right behind
    0, 0,                    // outgoing, learners
    uint64_t{1} << 28 << 2,  // 2^28 elements of no size
  };
  const auto got = decode_raft_configuration(
    shared_bytes::copy_of(std::as_bytes(std::span{words})));
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().code == errc::corrupt);
}

TEST_CASE("a consensus message that is cut short at any byte is an error",
  "[schema][raft_codec]") {
  for (const auto& message : one_of_each()) {
    const auto good = encode("metadata", message);
    for (size_t size = 0; size < good.message.size(); ++size) {
      auto cut = good;
      cut.message = good.message.slice(0, size);
      CHECK_FALSE(decode_raft_message(cut).ok());
    }
  }
}

TEST_CASE("damaged consensus messages are refused or read, and never harm "
          "(R29)",
  "[schema][raft_codec]") {
  std::mt19937 random{20261121};
  size_t read = 0;
  for (const auto& message : one_of_each()) {
    const auto good = encode("metadata", message);
    for (int round = 0; round < 500; ++round) {
      auto bad = good;
      bad.message = shared_bytes::copy_of(good.message.span());
      for (int flips = 0; flips < 2; ++flips)
        bad.message.writable()[random() % bad.message.size()]
          = static_cast<std::byte>(random());
      const auto back = decode_raft_message(bad);
      if (back)
        ++read;
      else
        CHECK((back.error().code == errc::corrupt
               || back.error().code == errc::unsupported));
    }
  }
  CHECK(read > 100); // most bytes are numbers
}

TEST_CASE(
  "messages and configurations read well in traces", "[schema][raft_codec]") {
  const auto all = one_of_each();
  CHECK(
    to_string(all[0]) == "1->-5 pre-vote? t7 log ends at 1000/t5 (transfer)");
  CHECK(to_string(all[2])
        == "1->-5 append t7 after 1000/t5 [1001/t5 1002/t6=configuration "
           "1003/t7=leadership] commit 990 round 77");
  CHECK(to_string(all[4]) == "1->-5 appended t7 match 1003 round 77");
  CHECK(to_string(joint()) == "{1 4 | 1 2} + {9}");
}

} // namespace millrace
