#include "cluster/raft_progress.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

constexpr raft_options bounds{
  .inflight_bytes_max = 100, .inflight_count_max = 3};

/// One that is known to agree up to 5, of a log that ends at 10.
raft_progress replicating() {
  raft_progress peer{10, 0};
  peer.on_success(5, 1);
  return peer;
}

} // namespace

TEST_CASE("a probe is one message at a time", "[cluster][raft_progress]") {
  raft_progress peer{10, 0};
  CHECK(peer.state() == raft_progress_state::probe);
  CHECK(peer.next() == 11);
  CHECK(peer.is_open(bounds));
  peer.on_sent(12, 50);
  CHECK_FALSE(peer.is_open(bounds));
  CHECK(peer.next() == 11);
  // It is lost, and a heartbeat's answer tells that what was before agrees.
  CHECK(peer.on_success(10, 1));
  CHECK(peer.is_open(bounds));
}

TEST_CASE("a refused probe goes back to where the logs may agree",
  "[cluster][raft_progress]") {
  raft_progress peer{10, 0};
  peer.on_sent(11, 1);
  peer.on_refusal(10, 4);
  CHECK(peer.next() == 5);
  CHECK(peer.is_open(bounds));
  peer.on_refusal(10, 2); // a late one
  CHECK(peer.next() == 5);
  peer.on_refusal(4, 9); // never forward
  CHECK(peer.next() == 4);
}

TEST_CASE("messages to one that agrees follow on one another up to a bound",
  "[cluster][raft_progress]") {
  auto peer = replicating();
  CHECK(peer.state() == raft_progress_state::replicate);
  CHECK(peer.next() == 6);
  peer.on_sent(6, 40);
  CHECK(peer.next() == 7);
  peer.on_sent(7, 70);
  CHECK_FALSE(peer.is_open(bounds)); // 110 bytes
  CHECK(peer.on_success(6, 1));
  CHECK(peer.is_open(bounds));
  peer.on_sent(8, 1);
  peer.on_sent(9, 1);
  CHECK_FALSE(peer.is_open(bounds)); // three messages
  CHECK(peer.on_success(9, 1));
  CHECK(peer.is_open(bounds));
  CHECK_FALSE(peer.on_success(7, 1)); // a late one
  CHECK(peer.match() == 9);
}

TEST_CASE("a refusal of what follows on a lost message starts over behind "
          "what is known to agree",
  "[cluster][raft_progress]") {
  auto peer = replicating();
  peer.on_sent(7, 1);
  peer.on_sent(9, 1);
  peer.on_refusal(4, 3); // that agreed already: a late one
  CHECK(peer.state() == raft_progress_state::replicate);
  peer.on_refusal(7, 5);
  CHECK(peer.state() == raft_progress_state::probe);
  CHECK(peer.next() == 6);
  peer.on_refusal(9, 1); // for the second message
  CHECK(peer.next() == 6);
  CHECK(peer.on_success(6, 1));
  CHECK(peer.state() == raft_progress_state::replicate);
}

TEST_CASE("a snapshot ends when the member reaches the log's first entry",
  "[cluster][raft_progress]") {
  raft_progress peer{10, 0};
  peer.become_snapshot(77);
  CHECK_FALSE(peer.is_open(bounds));
  CHECK(peer.snapshot().reading);
  CHECK(peer.snapshot().since_ms == 77);
  peer.on_refusal(8, 2);
  CHECK(peer.state() == raft_progress_state::snapshot);
  peer.on_success(4, 6);
  CHECK(peer.state() == raft_progress_state::snapshot);
  peer.on_success(5, 6);
  CHECK(peer.state() == raft_progress_state::replicate);
  CHECK(peer.next() == 6);
}

TEST_CASE("rounds and times of answers only grow", "[cluster][raft_progress]") {
  raft_progress peer{0, 5};
  CHECK(peer.heard_ms() == 5);
  peer.on_heard(20, 3);
  peer.on_heard(21, 2);
  CHECK(peer.heard_ms() == 21);
  CHECK(peer.round() == 3);
}

} // namespace millrace
