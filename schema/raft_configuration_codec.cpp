#include "schema/raft_configuration_codec.hpp"

#include "schema/capnp_bytes.hpp"

#include <algorithm>

namespace millrace {

namespace {

using member_list = capnp::List<wire::Member>;

void write_all(
  member_list::Builder to, const std::vector<raft_member>& members) {
  for (unsigned i = 0; i < to.size(); ++i)
    write_to(to[i], members[i]);
}

std::vector<raft_member> read_all(member_list::Reader from) {
  std::vector<raft_member> members;
  for (auto member : from)
    members.push_back(read_from(member));
  return members;
}

bool has_twins(std::vector<raft_member> members) {
  std::sort(members.begin(), members.end());
  return std::adjacent_find(members.begin(), members.end()) != members.end();
}

} // namespace

void write_to(wire::Member::Builder to, const raft_member& member) {
  to.setNode(member.node.value);
  auto directory = to.initDirectory();
  directory.setHigh(member.directory.high);
  directory.setLow(member.directory.low);
}

raft_member read_from(wire::Member::Reader from) {
  return {{from.getNode()},
    {from.getDirectory().getHigh(), from.getDirectory().getLow()}};
}

void write_to(
  wire::Configuration::Builder to, const raft_configuration& configuration) {
  const auto size = [](const std::vector<raft_member>& members) {
    return static_cast<unsigned>(members.size());
  };
  write_all(to.initVoters(size(configuration.voters)), configuration.voters);
  write_all(
    to.initOutgoing(size(configuration.outgoing)), configuration.outgoing);
  write_all(
    to.initLearners(size(configuration.learners)), configuration.learners);
}

result<raft_configuration> read_from(wire::Configuration::Reader from) {
  for (const auto list :
    {from.getVoters(), from.getOutgoing(), from.getLearners()})
    if (list.size() > raft_members_max)
      return error{errc::corrupt, "consensus configuration: too many members"};
  raft_configuration configuration{read_all(from.getVoters()),
    read_all(from.getOutgoing()), read_all(from.getLearners())};
  if (configuration.voters.empty())
    return error{errc::corrupt, "consensus configuration: no voters"};
  if (has_twins(configuration.voters) || has_twins(configuration.outgoing)
      || has_twins(configuration.learners))
    return error{errc::corrupt, "consensus configuration: a member twice"};
  return configuration;
}

shared_bytes encode(const raft_configuration& configuration) {
  capnp::MallocMessageBuilder message;
  write_to(message.initRoot<wire::Configuration>(), configuration);
  return to_shared_bytes(message);
}

result<raft_configuration> decode_raft_configuration(
  const shared_bytes& bytes) {
  return read_capnp<wire::Configuration>(bytes, "consensus configuration",
    [](wire::Configuration::Reader root) -> result<raft_configuration> {
      return read_from(root);
    });
}

} // namespace millrace
