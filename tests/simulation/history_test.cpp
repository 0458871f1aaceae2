#include "simulation/history.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <random>
#include <utility>

using namespace millrace;

namespace {

// The checker is checked: a history without fault, into which each test puts
// one.
struct recipe {
  uint64_t records = 200; // in each partition
  int32_t partitions = 3;
};

uint64_t value_of(int32_t partition, uint64_t i) {
  return static_cast<uint64_t>(partition) * 1'000'000'000 + i;
}

/// Two clients send in turns, one record each time unit, each answered after
/// five; one run of reads. Every tenth record has no
/// answer, and every twentieth is not there.
history sound(const recipe& r = {}) {
  history h;
  h.final_run = 0;
  for (int32_t p = 0; p < r.partitions; ++p) {
    int64_t offset = 0;
    for (uint64_t i = 0; i < r.records; ++i) {
      sent_record s;
      s.partition = p;
      s.value = value_of(p, i);
      s.client = static_cast<uint32_t>(i % 2);
      s.begin = static_cast<int64_t>(i);
      s.end = s.begin + 5;
      const bool there = i % 20 != 0;
      if (i % 10 != 0) {
        s.outcome = send_outcome::acknowledged;
        s.offset = offset;
      }
      h.sends.push_back(s);
      if (there)
        h.reads.push_back({p, offset++, s.value, 0});
    }
  }
  return h;
}

sent_record& acknowledged(history& h, size_t nth) {
  for (auto& s : h.sends)
    if (s.outcome == send_outcome::acknowledged && nth-- == 0)
      return s;
  FAIL("there are that many");
  return h.sends.front();
}

void erase_reads_of(history& h, uint64_t value) {
  std::erase_if(h.reads, [&](const auto& r) {
    return r.value == value;
  });
}

} // namespace

TEST_CASE(
  "a history without a contradiction is sound", "[simulation][history]") {
  const auto verdict = judge(sound());
  INFO((verdict.ok() ? "" : verdict.examples.front()));
  CHECK(verdict.ok());
  CHECK(judge({}).ok());
}

TEST_CASE("an acknowledged record that later reads pass over is lost",
  "[simulation][history]") {
  auto h = sound();
  erase_reads_of(h, acknowledged(h, 10).value);
  const auto verdict = judge(std::move(h));
  CHECK(verdict.count(anomaly::lost) == 1);
  CHECK(verdict.count(anomaly::skipped_read) == 1);
  CHECK(verdict.count(anomaly::unseen) == 0);
}

TEST_CASE(
  "a lost end of the log is found when all was read", "[simulation][history]") {
  auto h = sound({.records = 50, .partitions = 1});
  for (uint64_t i = 45; i < 50; ++i)
    erase_reads_of(h, value_of(0, i));
  SECTION("acknowledged") {
    CHECK(judge(h).count(anomaly::unseen) == 5);
  }
  SECTION("or read once") {
    h.reads.push_back({0, 42, value_of(0, 45), 3});
    CHECK(judge(h).count(anomaly::unseen) == 5);
    CHECK(judge(h).count(anomaly::lost) == 0);
  }
  SECTION("which only one who has read all can tell") {
    h.final_run.reset();
    CHECK(judge(h).ok());
  }
}

TEST_CASE("two values at one offset are found", "[simulation][history]") {
  auto h = sound();
  SECTION("told by two reads") {
    h.reads.push_back({0, 7, value_of(0, 101), 99});
    const auto verdict = judge(std::move(h));
    CHECK(verdict.count(anomaly::inconsistent_offset) == 1);
    CHECK(verdict.count(anomaly::duplicate) == 1);
  }
  SECTION("told by an acknowledgement and a read") {
    auto& s = acknowledged(h, 3);
    s.offset += 1;
    CHECK(judge(h).count(anomaly::inconsistent_offset) >= 1);
  }
}

TEST_CASE("a record that is there twice is found, also in another partition",
  "[simulation][history]") {
  auto h = sound();
  h.reads.push_back({1, 100'000, value_of(0, 5), 99});
  const auto verdict = judge(std::move(h));
  CHECK(verdict.count(anomaly::duplicate) == 1);
}

TEST_CASE("what nobody sent, and what was refused, must not be read",
  "[simulation][history]") {
  auto h = sound();
  h.reads.push_back({0, 100'000, 424242, 98});
  h.sends.push_back({.partition = 0,
    .value = 434343,
    .client = 5,
    .outcome = send_outcome::refused});
  h.reads.push_back({0, 100'001, 434343, 99});
  const auto verdict = judge(std::move(h));
  CHECK(verdict.count(anomaly::phantom_read) == 1);
  CHECK(verdict.count(anomaly::aborted_read) == 1);
}

TEST_CASE("a run that goes back, repeats or leaves out is found",
  "[simulation][history]") {
  auto h = sound({.records = 100, .partitions = 1});
  SECTION("back") {
    std::swap(h.reads[10], h.reads[11]);
    const auto verdict = judge(std::move(h));
    CHECK(verdict.count(anomaly::backward_read) == 1);
    // 9, 11, 10, 12: two leave out what lies between.
    CHECK(verdict.count(anomaly::skipped_read) == 2);
  }
  SECTION("again") {
    h.reads.insert(h.reads.begin() + 10, h.reads[10]);
    CHECK(judge(std::move(h)).count(anomaly::backward_read) == 1);
  }
  SECTION("left out, though another run has read it") {
    h.reads.push_back({0, 20, h.reads[20].value, 7});
    h.reads.push_back({0, 22, h.reads[22].value, 7});
    CHECK(judge(std::move(h)).count(anomaly::skipped_read) == 1);
  }
  SECTION("another run may begin anywhere") {
    h.reads.push_back({0, 20, h.reads[20].value, 7});
    h.reads.push_back({0, 3, h.reads[3].value, 8});
    CHECK(judge(std::move(h)).ok());
  }
}

TEST_CASE("a client's records that change their order are found",
  "[simulation][history]") {
  // All sent before the first answer, so that real time says nothing.
  history h;
  for (int64_t i = 0; i < 10; ++i)
    h.sends.push_back(
      {0, static_cast<uint64_t>(i), 1, 0, 100, send_outcome::acknowledged,
        i == 4   ? 5
        : i == 5 ? 4
                 : i});
  CHECK(judge(h).count(anomaly::backward_send) == 1);
  CHECK(judge(h).count(anomaly::out_of_real_time) == 0);
  h.clients_are_ordered = false;
  CHECK(judge(h).ok());
}

TEST_CASE("a record before one that was acknowledged when it was sent is found",
  "[simulation][history]") {
  history h;
  h.sends.push_back({0, 1, 1, 0, 10, send_outcome::acknowledged, 5});
  h.sends.push_back({0, 2, 2, 11, 20, send_outcome::acknowledged, 4});
  CHECK(judge(h).count(anomaly::out_of_real_time) == 1);
  // Sent while the other was under way: any order will do.
  h.sends[1].begin = 10;
  CHECK(judge(h).ok());
}

TEST_CASE("examples are few, counts are whole", "[simulation][history]") {
  auto h = sound();
  h.reads.clear();
  for (int i = 0; i < 50; ++i)
    h.reads.push_back({0, i, 5'000'000'000'000 + static_cast<uint64_t>(i), 1});
  const auto verdict = judge(std::move(h));
  CHECK(verdict.count(anomaly::phantom_read) == 50);
  CHECK(verdict.examples.size() < 20);
}

TEST_CASE("ten million operations are judged within a minute",
  "[simulation][history]") {
  // A part of them, and no clock, where the machine is shared.
  const bool is_long = std::getenv("MILLRACE_LONG") != nullptr;
  const uint64_t operations = is_long ? 10'000'000 : 200'000;
  auto h = sound({.records = operations / 2 / 10, .partitions = 10});
  const auto begin = std::chrono::steady_clock::now();
  const auto verdict = judge(std::move(h));
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(verdict.ok());
  if (is_long)
    CHECK(took < std::chrono::seconds{60});
}

TEST_CASE("what one leader accepted may be lost, but not doubled or moved",
  "[simulation][history]") {
  auto h = sound();
  auto& s = acknowledged(h, 50);
  s.outcome = send_outcome::accepted;
  CHECK(judge(h).ok());
  SECTION("lost with its leader: its place is another one's") {
    s.offset = acknowledged(h, 60).offset;
    erase_reads_of(h, s.value);
    // Whoever follows has moved up.
    for (auto& r : h.reads)
      if (r.partition == s.partition && r.value > s.value)
        --r.offset;
    for (auto& other : h.sends)
      if (other.partition == s.partition && other.value > s.value)
        --other.offset;
    CHECK(judge(h).ok());
  }
  SECTION("there, but somewhere else than was said") {
    s.offset += 1;
    CHECK(judge(h).count(anomaly::duplicate) == 1);
  }
  SECTION("there, and before what its client had sent earlier") {
    for (auto& r : h.reads)
      if (r.value == s.value)
        r.offset = 0;
    s.offset = 0;
    const auto verdict = judge(h);
    CHECK(verdict.count(anomaly::backward_send) > 0);
  }
}

TEST_CASE(
  "what was acknowledged without an offset is there, in the order of its "
  "client",
  "[simulation][history]") {
  auto h = sound();
  auto& s = acknowledged(h, 50);
  const auto told = std::exchange(s.offset, -1);
  CHECK(judge(h).ok());
  SECTION("nowhere") {
    erase_reads_of(h, s.value);
    for (auto& r : h.reads)
      if (r.partition == s.partition && r.offset > told)
        --r.offset;
    for (auto& other : h.sends)
      if (other.partition == s.partition && other.offset > told)
        --other.offset;
    CHECK(judge(h).count(anomaly::lost) == 1);
    h.final_run.reset();
    CHECK(judge(h).ok()); // nobody has looked everywhere
  }
  SECTION("behind what was sent later") {
    for (auto& r : h.reads)
      if (r.value == s.value)
        r.offset = 100'000;
    CHECK(judge(h).count(anomaly::backward_send) > 0);
  }
}
