#include "cluster/raft_quorum.hpp"

namespace millrace {

namespace {

bool contains(const std::vector<raft_member>& all, const raft_member& member) {
  return std::find(all.begin(), all.end(), member) != all.end();
}

} // namespace

bool is_voter(
  const raft_configuration& configuration, const raft_member& member) {
  return contains(configuration.voters, member)
         || contains(configuration.outgoing, member);
}

std::set<raft_member> members_of(const raft_configuration& configuration) {
  std::set<raft_member> all;
  for (const auto* part :
    {&configuration.voters, &configuration.outgoing, &configuration.learners})
    all.insert(part->begin(), part->end());
  return all;
}

bool same_members(
  const std::vector<raft_member>& a, const std::vector<raft_member>& b) {
  return std::set<raft_member>(a.begin(), a.end())
         == std::set<raft_member>(b.begin(), b.end());
}

} // namespace millrace
