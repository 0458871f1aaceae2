#include "cluster/consumer_group_reconciler.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

using record_of = consumer_group_record;

constexpr uuid t{0, 1};
constexpr uuid u{0, 2};

epoch_set at(int32_t epoch, const partition_set& partitions) {
  epoch_set set;
  for (const auto& [topic, list] : partitions)
    for (const auto p : list)
      set[topic][p] = epoch;
  return set;
}

/// A group at epoch 10 whose members subscribe to both topics.
struct reconciling {
  reconciling() {
    apply(record_of::of_group{kafka::consumer_group_metadata_value{10, 0}});
    apply(record_of::of_targets{
      kafka::consumer_group_target_assignment_metadata_value{10, 0}});
  }

  template <class Change>
  void apply(Change change) {
    group.apply({"g", std::move(change)});
  }
  void set(const std::string& id, int32_t epoch, member_phase phase,
    epoch_set assigned, epoch_set pending = {}) {
    consumer_group_member m;
    m.id = id;
    m.topic_names = {"t", "u"};
    m.epoch = epoch;
    m.phase = phase;
    m.assigned = std::move(assigned);
    m.pending_revocation = std::move(pending);
    apply(record_of::of_member{id, metadata_record(m)});
    apply(record_of::of_current{id, current_assignment_record(m)});
  }
  void target(const std::string& id, const partition_set& partitions) {
    using value = kafka::consumer_group_target_assignment_member_value;
    apply(record_of::of_target{
      id, value{list_of<value::target_topic_partitions>(partitions)}});
  }
  consumer_group_member step(
    const std::string& id, const owned_claim& owned) const {
    return reconcile(group, *group.find(id), topics, owned);
  }

  consumer_group_state group{"g"};
  topic_view topics{1, {{"t", t, 10}, {"u", u, 10}}};
};

constexpr auto stable = member_phase::stable;
constexpr auto unrevoked = member_phase::unrevoked_partitions;
constexpr auto unreleased = member_phase::unreleased_partitions;

} // namespace

TEST_CASE("a stable member at the target's epoch stays as it is",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 10, stable, at(9, {{t, {1}}}));
  r.target("a", {{t, {1, 2}}}); // would be of a later epoch
  CHECK(r.step("a", {}) == *r.group.find("a"));
}

TEST_CASE("a member without a change comes to the new epoch at once",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 9, stable, at(5, {{t, {1}}}));
  r.target("a", {{t, {1}}});
  const auto after = r.step("a", {});
  CHECK(after.epoch == 10);
  CHECK(after.previous_epoch == 9);
  CHECK(after.phase == stable);
  CHECK(after.assigned == at(5, {{t, {1}}})); // it keeps the epoch of those
}

TEST_CASE("what is free is taken, in the new epoch",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 9, stable, at(5, {{t, {1}}}));
  r.target("a", {{t, {1, 2}}, {u, {0}}});
  const auto after = r.step("a", {});
  CHECK(after.phase == stable);
  CHECK(after.assigned == epoch_set{{t, {{1, 5}, {2, 10}}}, {u, {{0, 10}}}});
}

TEST_CASE("a member first gives up, in its old epoch, and gets nothing new",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 9, stable, at(5, {{t, {1, 2}}}));
  r.target("a", {{t, {2, 3}}});
  const auto after = r.step("a", {});
  CHECK(after.epoch == 9);
  CHECK(after.phase == unrevoked);
  CHECK(after.assigned == at(5, {{t, {2}}}));
  CHECK(after.pending_revocation == at(5, {{t, {1}}}));
}

TEST_CASE("who says that it does not own it any more has nothing to give up",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 9, stable, at(5, {{t, {1, 2}}}));
  r.target("a", {{t, {2, 3}}});
  const auto after = r.step("a", partition_set{{t, {2}}});
  CHECK(after.epoch == 10);
  CHECK(after.phase == stable);
  CHECK(after.assigned == epoch_set{{t, {{2, 5}, {3, 10}}}});
}

TEST_CASE("a member that has not given up stays where it is",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 9, unrevoked, at(5, {{t, {2}}}), at(5, {{t, {1}}}));
  r.target("a", {{t, {2, 3}}});
  CHECK(r.step("a", {}) == *r.group.find("a"));
  CHECK(r.step("a", partition_set{{t, {1, 2}}}) == *r.group.find("a"));
}

TEST_CASE("a member that has given up gets what is free",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 9, unrevoked, at(5, {{t, {2}}}), at(5, {{t, {1}}}));
  r.target("a", {{t, {2, 3}}});
  const auto after = r.step("a", partition_set{{t, {2}}});
  CHECK(after.epoch == 10);
  CHECK(after.phase == stable);
  CHECK(after.pending_revocation.empty());
  CHECK(after.assigned == epoch_set{{t, {{2, 5}, {3, 10}}}});
}

TEST_CASE("what it has given up may become its own again",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 9, unrevoked, at(5, {{t, {2}}}), at(5, {{t, {1}}}));
  r.target("a", {{t, {1, 2}}}); // the target has changed back meanwhile
  const auto after = r.step("a", partition_set{{t, {2}}});
  CHECK(after.phase == stable);
  CHECK(after.assigned == epoch_set{{t, {{1, 10}, {2, 5}}}});
}

TEST_CASE("having given up, it may have to give up more, in the next epoch",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 7, unrevoked, at(5, {{t, {2, 3}}}), at(5, {{t, {1}}}));
  r.target("a", {{t, {2}}});
  const auto after = r.step("a", partition_set{{t, {2, 3}}});
  CHECK(after.epoch == 8);
  CHECK(after.phase == unrevoked);
  CHECK(after.pending_revocation == at(5, {{t, {3}}}));
}

TEST_CASE("what another member holds or has yet to give up is waited for",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 9, stable, at(5, {{t, {1}}}));
  r.set("b", 9, unrevoked, at(5, {{t, {4}}}), at(5, {{t, {2}}}));
  r.target("a", {{t, {1, 2, 3, 4}}});
  const auto after = r.step("a", {});
  CHECK(after.epoch == 10);
  CHECK(after.phase == unreleased);
  CHECK(after.assigned == epoch_set{{t, {{1, 5}, {3, 10}}}});
  r.set("a", 10, unreleased, after.assigned);
  r.set("b", 10, stable, at(5, {{t, {4}}}));
  const auto later = r.step("a", {});
  CHECK(later.phase == unreleased);
  CHECK(later.assigned == epoch_set{{t, {{1, 5}, {2, 10}, {3, 10}}}});
  r.set("b", 10, stable, {});
  CHECK(r.step("a", {}).phase == stable);
}

TEST_CASE("a target of topics that it does not subscribe to is not taken",
  "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 9, stable, {});
  r.target("a", {{t, {1}}, {uuid{0, 9}, {1}}});
  CHECK(r.step("a", {}).assigned == at(10, {{t, {1}}}));
}

TEST_CASE(
  "a topic that is gone goes at once", "[cluster][consumer_group_reconciler]") {
  reconciling r;
  r.set("a", 10, stable, at(5, {{t, {1}}, {uuid{0, 9}, {1}}}));
  r.target("a", {{t, {1}}, {uuid{0, 9}, {1}}});
  const auto after = r.step("a", {});
  CHECK(after.phase == unrevoked);
  CHECK(after.epoch == 10);
  CHECK(after.assigned == at(5, {{t, {1}}}));
  CHECK(r.step("a", partition_set{{t, {1}}}).phase == stable);
}

} // namespace millrace
