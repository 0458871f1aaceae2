#include "tests/cluster/group_host.hpp"

#include <random>

// Seeded random walks of many members through one registry, with appends
// that end late or fail, checked against what must hold at every step.

namespace millrace {

using test::group_host;

namespace {

struct client {
  std::optional<std::string> instance_id;
  std::string member_id;
  int32_t generation = -1;
  std::string leader;
  std::vector<std::string> members; // as the leader knows them
  std::optional<uint64_t> join;     // the token that it waits for
  std::optional<uint64_t> sync;
  bool assigned = false;
};

/// Plays clients that behave, more or less, in one group.
class walk {
public:
  /// @param appends_fail whether some appends fail; without, the log must
  /// rebuild the group at any moment
  walk(uint64_t seed, bool appends_fail)
      : random_(seed), appends_fail_(appends_fail),
        host_(group_config{.initial_rebalance_delay_ms = 500, .size_max = 8}) {
    host_.appends_at_once = false;
    for (int i = 0; i < 10; ++i) {
      auto& c = clients_.emplace_back();
      if (i % 3 == 0)
        c.instance_id = "instance-" + std::to_string(i);
    }
  }

  // What the walk has really met.
  size_t parts_owned = 0;
  size_t logs_checked = 0;

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      collect();
      check();
    }
    finish();
  }

private:
  size_t below(size_t bound) {
    return std::uniform_int_distribution<size_t>{0, bound - 1}(random_);
  }

  void step() {
    auto& c = clients_[below(clients_.size())];
    const auto dice = below(200);
    if (dice < 120)
      behave(c);
    else if (dice < 140)
      commit(c);
    else if (dice < 170)
      end_append(below(8) == 0);
    else if (dice < 190)
      host_.advance(static_cast<int64_t>(below(300)));
    else if (dice < 192)
      host_.advance(static_cast<int64_t>(below(10'000)));
    else if (dice < 194)
      join(c); // again, for no reason
    else if (dice < 196)
      forget(c); // the process restarts
    else if (dice < 198)
      leave(c);
    else if (below(20) == 0)
      host_.send(2, kafka::delete_groups_request{{"g"}});
    else if (below(40) == 0)
      host_.advance(8LL * 24 * 3'600'000);
  }

  /// What a real client would do next.
  void behave(client& c) {
    if (c.join || c.sync)
      return;
    if (c.generation < 0) {
      join(c);
    } else if (!c.assigned) {
      sync(c);
    } else {
      const auto error
        = host_.heartbeat("g", c.member_id, c.generation, c.instance_id);
      if (error == kafka_error::rebalance_in_progress)
        join(c);
      else if (error != kafka_error::none)
        forget(c);
    }
  }

  void commit(const client& c) {
    host_.commit("g", "t" + std::to_string(below(3)),
      static_cast<int64_t>(below(1'000)), c.member_id, c.generation);
  }

  void leave(client& c) {
    if (!c.member_id.empty())
      host_.leave("g", c.member_id, c.instance_id);
    forget(c);
  }

  static void forget(client& c) {
    c = client{.instance_id = c.instance_id};
  }

  void join(client& c) {
    if (c.join)
      return;
    c.sync.reset();
    c.assigned = false;
    c.join = host_.join(
      "g", {.member_id = c.member_id,
             .instance_id = c.instance_id,
             .protocols = {{"range", "v" + std::to_string(below(10) / 9)}},
             .session_timeout_ms = 6'000,
             .rebalance_timeout_ms = 8'000});
  }

  void sync(client& c) {
    if (c.join || c.sync || c.member_id.empty() || c.generation < 0)
      return;
    std::vector<std::pair<std::string, std::string>> parts;
    if (c.leader == c.member_id)
      for (const auto& id : c.members)
        parts.emplace_back(id, "only " + id);
    c.sync = host_.sync("g", c.member_id, c.generation, parts, c.instance_id);
  }

  void end_append(bool fails) {
    if (!host_.appends.empty())
      host_.end_append(fails && appends_fail_ ? kafka_error::not_enough_replicas
                                              : kafka_error::none);
  }

  /// Clients read the answers that have come.
  void collect() {
    for (auto& c : clients_) {
      if (c.join && host_.answered(*c.join)) {
        const auto& answer = host_.joined(*c.join);
        const auto error = static_cast<kafka_error>(answer.error_code);
        c.join.reset();
        if (error == kafka_error::none) {
          c.member_id = answer.member_id;
          c.generation = answer.generation_id;
          c.leader = answer.leader;
          c.members.clear();
          for (const auto& m : answer.members)
            c.members.push_back(m.member_id);
        } else if (error == kafka_error::member_id_required) {
          c.member_id = answer.member_id;
          c.generation = -1;
        } else {
          forget(c);
        }
      }
      if (c.sync && host_.answered(*c.sync)) {
        const auto& answer = host_.synced(*c.sync);
        c.sync.reset();
        if (answer.error_code == 0)
          owned(c, answer.assignment);
        else
          c.generation = -1; // joins again
      }
    }
  }

  /// I13: a part that a leader gave to one member of a generation is never
  /// given to another one in it. (A static member takes over its own.)
  void owned(client& c, const std::string& part) {
    c.assigned = true;
    if (part.empty())
      return;
    ++parts_owned;
    const auto owner
      = c.instance_id ? "static " + *c.instance_id : "dynamic " + c.member_id;
    const auto [it, added]
      = owners_.try_emplace({incarnation_, c.generation, part}, owner);
    INFO("generation " << c.generation << ", " << part);
    CHECK(it->second == owner);
  }

  void check() {
    const auto* group = host_.group("g");
    if (!group) {
      ++incarnation_;
      generation_ = 0;
      return;
    }
    // A generation never falls while the group lives.
    REQUIRE(group->generation() >= generation_);
    generation_ = group->generation();
    REQUIRE(group->members().size() <= 8 + 4); // static ones may be away
    size_t joined = 0;
    for (const auto& [id, member] : group->members()) {
      REQUIRE(member.id == id);
      joined += member.join.has_value();
      if (member.instance_id)
        REQUIRE(group->static_member(member.instance_id) == id);
    }
    REQUIRE(group->joined() == joined);
    REQUIRE((group->phase() == group_phase::empty) <= group->members().empty());
    if (!group->members().empty())
      REQUIRE(group->find(group->leader()));
    check_log(*group);
    // Something will move a group that is between generations.
    if (group->phase() == group_phase::preparing_rebalance)
      REQUIRE(group->join_deadline_ms() != never_ms);
    if (group->phase() == group_phase::completing_rebalance)
      REQUIRE(
        (group->sync_deadline_ms() != never_ms || !host_.appends.empty()));
  }

  /// At rest, what the log rebuilds is what there is.
  void check_log(const group_state& group) {
    if (appends_fail_ || !host_.appends.empty() || below(20) != 0
        || group.phase() != group_phase::stable)
      return;
    const group_host restarted{host_.config, host_.log};
    REQUIRE(restarted.group("g"));
    auto rebuilt = restarted.group("g")->to_record(nullptr);
    auto live = group.to_record(nullptr);
    rebuilt.current_state_timestamp = live.current_state_timestamp = 0;
    REQUIRE(rebuilt == live);
    ++logs_checked;
  }

  /// Everybody goes away; then time alone must end every wait.
  void finish() {
    while (!host_.appends.empty())
      end_append(false);
    host_.appends_at_once = true;
    host_.advance(400'000);
    for (uint64_t token = 1; token <= host_.tokens; ++token) {
      INFO("token " << token);
      REQUIRE(host_.answered(token));
    }
    if (const auto* group = host_.group("g"))
      REQUIRE(group->phase() == group_phase::empty);
    replay();
  }

  /// The log rebuilds what the registry holds; so does the image.
  void replay() {
    group_registry from_log{host_.config, test::counting_uuids()};
    test::replay(from_log, host_.log);
    from_log.finish_load(host_.now_ms, host_.wall_ms());
    group_registry from_image{host_.config, test::counting_uuids()};
    for (const auto& change : host_.registry.take_changes())
      if (change.value)
        REQUIRE(from_image.load(change.key, *change.value).ok());
    from_image.finish_load(host_.now_ms, host_.wall_ms());
    for (const auto* rebuilt : {&from_log, &from_image}) {
      REQUIRE(offsets_of(*rebuilt) == offsets_of(host_.registry));
      const auto* group = host_.group("g");
      if (!group || !group->persisted)
        continue;
      REQUIRE(rebuilt->groups().contains("g"));
      REQUIRE(rebuilt->groups().at("g").to_record(nullptr)
              == group->to_record(nullptr));
    }
  }

  static std::vector<std::pair<std::string, int64_t>> offsets_of(
    const group_registry& registry) {
    std::vector<std::pair<std::string, int64_t>> all;
    registry.offsets().for_each_committed("g",
      [&](const std::string& topic, int32_t, const committed_offset& value) {
        all.emplace_back(topic, value.offset);
      });
    return all;
  }

  std::mt19937_64 random_;
  bool appends_fail_;
  group_host host_;
  std::vector<client> clients_;
  std::map<std::tuple<int, int32_t, std::string>, std::string> owners_;
  int incarnation_ = 0;
  int32_t generation_ = 0;
};

} // namespace

TEST_CASE("I13: whatever members do, a part has one owner in a generation, "
          "generations never fall, every request is answered once, and the "
          "log rebuilds the group",
  "[cluster][group_random]") {
  size_t parts_owned = 0;
  size_t logs_checked = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    walk w{seed, seed % 2 == 0};
    w.run(1'500);
    parts_owned += w.parts_owned;
    logs_checked += w.logs_checked;
  }
  CHECK(parts_owned > 1'000);
  CHECK(logs_checked > 100);
}

} // namespace millrace
