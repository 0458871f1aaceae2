// Random walks over three replicas: messages are lost, doubled and overtaken,
// nodes lose their power, leaders change, and nobody is told everything. What
// was acknowledged stays, and no offset ever has two values.

#include "tests/actors/replica_fixture.hpp"

#include <random>
#include <set>

using namespace millrace;
using namespace std::chrono_literals;

namespace {

class walk {
public:
  explicit walk(uint64_t seed) : random_(seed), f_(3, 1 + seed % 2) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      look();
    }
    heal();
    judge();
  }

  size_t acknowledged() const {
    return acknowledged_.size();
  }
  int elections = 0;
  int crashes = 0;
  int cuts = 0;
  int shrinks = 0;

private:
  uint64_t draw(uint64_t below) {
    return random_() % below;
  }
  int32_t any_node() {
    return static_cast<int32_t>(1 + draw(3));
  }

  void step() {
    const auto what = draw(100);
    if (what < 20)
      produce();
    else if (what < 60)
      for (auto n = 1 + draw(8); n > 0; --n)
        message();
    else if (what < 75)
      sync();
    else if (what < 83)
      f_.pass(std::chrono::milliseconds{1 + draw(400)});
    else if (what < 84)
      crash();
    else if (what < 88)
      boot();
    else if (what < 90)
      elect();
    else if (what < 96)
      f_.announce({any_node()});
    else
      decide();
  }

  void produce() {
    const auto to = draw(4) == 0 ? any_node() : f_.registration.leader.value;
    if (!f_.is_up(to))
      return;
    const auto ticket = ++last_ticket_;
    const bool all = draw(4) != 0; // of the others nothing is promised
    f_.produce(
      to, ticket, "v" + std::to_string(ticket), all ? int16_t{-1} : int16_t{1});
    if (all)
      all_.insert(ticket);
  }

  void message() {
    auto& packets = f_.network.packets;
    if (packets.empty())
      return;
    // Mostly the next one; now and then another, twice, or never.
    const auto at = draw(10) == 0 ? draw(packets.size()) : 0;
    const auto fate = draw(30);
    if (fate == 0) {
      packets.erase(packets.begin() + static_cast<ptrdiff_t>(at));
      return;
    }
    if (fate == 1)
      packets.push_back(packets[at]);
    f_.network.carry(at);
    f_.scheduler().run();
  }

  void sync() {
    const auto number = any_node();
    if (f_.is_up(number))
      f_.sync(number);
  }

  void crash() {
    const auto number = any_node();
    if (!f_.is_up(number))
      return;
    ++crashes;
    auto& n = f_.node(number);
    f_.take_down(n);
    n.disks.crash(
      draw(2) == 0 ? crash_policy::lose_unsynced : crash_policy::random_subset);
    // The controller finds out, sooner or later.
    if (draw(2) == 0)
      fence(number);
  }

  void fence(int32_t number) {
    auto isr = f_.isr();
    if (isr.size() < 2 || !std::erase(isr, number))
      return;
    f_.set_isr(isr);
    if (f_.registration.leader == node_id{number})
      choose();
  }

  void boot() {
    const auto number = any_node();
    if (f_.is_up(number))
      return;
    if (f_.registration.leader == node_id{number})
      f_.elect(number); // R7
    f_.boot(number);
  }

  /// Somebody of the ISR; rather one that is there.
  void choose() {
    const auto isr = f_.isr();
    auto chosen = isr[draw(isr.size())];
    for (const auto number : isr)
      if (!f_.is_up(chosen))
        chosen = number;
    ++elections;
    f_.elect(chosen);
  }
  void elect() {
    choose();
    for (const int32_t number : {1, 2, 3})
      if (draw(3) != 0)
        f_.announce({number});
  }

  void decide() {
    if (f_.proposals.empty())
      return;
    if (draw(5) == 0) {
      // Lost on its way, or answered only later.
      if (draw(2) == 0)
        f_.proposals.pop_front();
      else
        f_.proposals.push_back(f_.proposals.front());
      return;
    }
    const auto before = f_.registration.isr.size();
    f_.decide_proposal();
    if (f_.registration.isr.size() < before)
      ++shrinks;
  }

  /// What anybody takes for committed is so for ever.
  void look() {
    for (auto& [ticket, r] : f_.answers())
      if (r.error == kafka_error::none && all_.contains(ticket))
        acknowledged_.insert(ticket);
    for (const int32_t number : {1, 2, 3}) {
      if (!f_.is_up(number))
        continue;
      const auto at = f_.look(number);
      if (at.error != kafka_error::none)
        continue;
      const auto values = f_.values(number);
      const auto end = static_cast<size_t>(at.high_watermark.value);
      REQUIRE(values.size() >= end);
      for (size_t i = 0; i < end; ++i) {
        if (i == committed_.size())
          committed_.push_back(values[i]);
        if (committed_[i] != values[i])
          FAIL("node " << number << " has " << values[i] << " at offset " << i
                       << ", which had been " << committed_[i]);
      }
    }
  }

  void heal() {
    f_.network.drop_all();
    for (const int32_t number : {1, 2, 3}) {
      cuts += static_cast<int>(f_.node(number).hints_saved_so_far.size());
      if (f_.is_up(number))
        continue;
      if (f_.registration.leader == node_id{number})
        f_.elect(number);
      f_.boot(number);
    }
    f_.announce();
    for (int i = 0; i < 100; ++i) {
      f_.live(100ms);
      while (!f_.proposals.empty())
        f_.decide_proposal();
    }
    look();
  }

  void judge() {
    // All are in sync, and have the same.
    CHECK(f_.isr() == std::vector<int32_t>{1, 2, 3});
    const auto leader = f_.registration.leader.value;
    CHECK(f_.look(leader).high_watermark == f_.look(leader).log_end);
    const auto values = f_.values(leader);
    for (const int32_t number : {1, 2, 3})
      CHECK(f_.values(number) == values);
    CHECK(committed_ == values);
    std::set<std::string> once;
    for (const auto& value : values)
      if (!once.insert(value).second)
        FAIL(value << " is there twice");
    for (const auto ticket : acknowledged_)
      if (!once.contains("v" + std::to_string(ticket)))
        FAIL("v" << ticket << " was acknowledged and is lost");
  }

  std::mt19937_64 random_;
  replica_fixture f_;
  uint64_t last_ticket_ = 0;
  std::set<uint64_t> all_; ///< produced with acks=all
  std::set<uint64_t> acknowledged_;
  std::vector<std::string> committed_;
};

} // namespace

TEST_CASE("whatever becomes of messages and nodes, what was acknowledged stays",
  "[actors][replication_random]") {
  size_t acknowledged = 0;
  int elections = 0;
  int crashes = 0;
  int cuts = 0;
  int shrinks = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    walk w{seed};
    w.run(600);
    acknowledged += w.acknowledged();
    elections += w.elections;
    crashes += w.crashes;
    cuts += w.cuts;
    shrinks += w.shrinks;
  }
  // A walk in which nothing happens proves nothing.
  CHECK(acknowledged > 500);
  CHECK(elections > 200);
  CHECK(crashes > 150);
  CHECK(cuts > 30);
  CHECK(shrinks > 10);
}
