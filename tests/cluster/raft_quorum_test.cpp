#include "cluster/raft_configurations.hpp"
#include "cluster/raft_quorum.hpp"
#include "tests/cluster/raft_shell.hpp"

#include <catch2/catch.hpp>

namespace millrace {

using test::member_of;
using test::members;

TEST_CASE("the majority's value is what more than half have or exceed",
  "[cluster][raft_quorum]") {
  std::map<raft_member, uint64_t> values;
  const auto value_of = [&](const raft_member& m) {
    return values[m];
  };
  const auto value = [&](std::initializer_list<uint64_t> all) {
    raft_configuration configuration;
    int32_t node = 0;
    for (const auto v : all) {
      configuration.voters.push_back(member_of(++node));
      values[member_of(node)] = v;
    }
    return majority_value<uint64_t>(configuration, value_of);
  };
  CHECK(value({}) == 0);
  CHECK(value({7}) == 7);
  CHECK(value({7, 3}) == 3);
  CHECK(value({9, 1, 5}) == 5);
  CHECK(value({9, 1, 5, 8}) == 5);
  CHECK(value({9, 1, 5, 8, 2}) == 5);
}

TEST_CASE("a joint configuration needs a majority of each half (§6)",
  "[cluster][raft_quorum]") {
  const raft_configuration joint{members({1, 4, 5}), members({1, 2, 3}), {}};
  const auto with = [&](std::set<int32_t> yes) {
    return majority_value<int>(joint, [&](const raft_member& m) {
      return yes.contains(m.node.value) ? 1 : 0;
    });
  };
  CHECK(with({1, 4}) == 0);
  CHECK(with({4, 5}) == 0);
  CHECK(with({1, 2}) == 0);
  CHECK(with({1, 2, 4}) == 1);
  CHECK(with({2, 3, 4, 5}) == 1);
}

TEST_CASE("an election is open until a majority has said yes or cannot any "
          "more",
  "[cluster][raft_quorum]") {
  const auto result = [](const std::vector<int>& votes) {
    raft_configuration configuration;
    for (size_t i = 0; i < votes.size(); ++i)
      configuration.voters.push_back(member_of(static_cast<int32_t>(i)));
    return tally(configuration, [&](const raft_member& m) {
      return votes[static_cast<size_t>(m.node.value)];
    });
  };
  CHECK(result({}) == raft_tally::lost);
  CHECK(result({1}) == raft_tally::won);
  CHECK(result({1, 0}) == raft_tally::open);
  CHECK(result({1, -1}) == raft_tally::lost);
  CHECK(result({1, 1, -1}) == raft_tally::won);
  CHECK(result({1, 0, -1}) == raft_tally::open);
  CHECK(result({1, -1, -1}) == raft_tally::lost);
  CHECK(result({1, 1, -1, -1}) == raft_tally::lost);
  CHECK(result({1, 1, 0, -1}) == raft_tally::open);
  CHECK(result({1, 1, 1, -1, -1}) == raft_tally::won);
}

TEST_CASE("an election in a joint configuration is lost when one half is",
  "[cluster][raft_quorum]") {
  const raft_configuration joint{members({4, 5, 6}), members({1, 2, 3}), {}};
  const auto result = [&](std::set<int32_t> yes, std::set<int32_t> no) {
    return tally(joint, [&](const raft_member& m) {
      return yes.contains(m.node.value)  ? 1
             : no.contains(m.node.value) ? -1
                                         : 0;
    });
  };
  CHECK(result({4, 5}, {}) == raft_tally::open);
  CHECK(result({4, 5}, {1, 2}) == raft_tally::lost);
  CHECK(result({1, 2, 4, 5}, {3, 6}) == raft_tally::won);
}

TEST_CASE("a member with another directory is another member (R24)",
  "[cluster][raft_quorum]") {
  const raft_configuration configuration{
    members({1, 2}), members({1, 3}), members({4})};
  CHECK(is_voter(configuration, member_of(1)));
  CHECK(is_voter(configuration, member_of(3)));
  CHECK_FALSE(is_voter(configuration, member_of(4)));
  CHECK_FALSE(is_voter(configuration, member_of(1, 2)));
  CHECK(members_of(configuration).size() == 4);
  CHECK_FALSE(same_members({member_of(1)}, {member_of(1, 2)}));
}

TEST_CASE("a truncated configuration gives way to the one before (§6)",
  "[cluster][raft_configurations]") {
  raft_configurations all{0, {members({1}), {}, {}}};
  all.add(5, {members({1, 2}), members({1}), {}});
  all.add(8, {members({1, 2}), {}, {}});
  CHECK(all.current_index() == 8);
  CHECK(all.at(4).voters == members({1}));
  CHECK(all.at(5).is_joint());
  CHECK(all.at(99).voters == members({1, 2}));
  CHECK(all.since(4).size() == 3);
  CHECK(all.since(5).size() == 2);
  CHECK(all.since(8).size() == 1);
  all.truncate_from(8);
  CHECK(all.current().is_joint());
  all.truncate_from(6);
  CHECK(all.current_index() == 5);
  all.truncate_from(3);
  CHECK(all.current().voters == members({1}));
}

TEST_CASE("dropping a log's beginning keeps the configuration in force there",
  "[cluster][raft_configurations]") {
  raft_configurations all{0, {members({1}), {}, {}}};
  all.add(5, {members({1, 2}), {}, {}});
  all.add(8, {members({1, 2, 3}), {}, {}});
  all.drop_before(7);
  CHECK(all.at(7).voters == members({1, 2}));
  CHECK(all.since(0).size() == 2);
  all.restart_at(20, {members({9}), {}, {}});
  CHECK(all.current_index() == 20);
  CHECK(all.current().voters == members({9}));
}

} // namespace millrace
