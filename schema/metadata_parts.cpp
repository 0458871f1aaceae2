#include "schema/metadata_parts.hpp"

#include "schema/capnp_bytes.hpp"

namespace millrace::metadata_parts {

namespace {

void write_ids(
  capnp::List<wire::Uuid>::Builder out, const std::vector<uuid>& ids) {
  for (unsigned i = 0; i < out.size(); ++i)
    write(out[i], ids[i]);
}

void write_nodes(
  capnp::List<int32_t>::Builder out, const std::vector<node_id>& nodes) {
  for (unsigned i = 0; i < out.size(); ++i)
    out.set(i, nodes[i].value);
}

std::vector<uuid> read_ids(capnp::List<wire::Uuid>::Reader from) {
  std::vector<uuid> ids;
  ids.reserve(from.size());
  for (auto id : from)
    ids.push_back(read(id));
  return ids;
}

std::vector<node_id> read_nodes(capnp::List<int32_t>::Reader from) {
  std::vector<node_id> nodes;
  nodes.reserve(from.size());
  for (auto node : from)
    nodes.push_back({node});
  return nodes;
}

} // namespace

void write(wire::Uuid::Builder out, const uuid& id) {
  out.setHigh(id.high);
  out.setLow(id.low);
}

void write(wire::Partition::Builder out, const partition_registration& p) {
  out.setIndex(p.index);
  out.setLeader(p.leader.value);
  out.setLeaderEpoch(p.epoch.value);
  out.setPartitionEpoch(p.partition_epoch);
  write_nodes(out.initReplicas(count(p.replicas.size())), p.replicas);
  write_nodes(out.initIsr(count(p.isr.size())), p.isr);
  write_ids(out.initDirectories(count(p.directories.size())), p.directories);
  write_nodes(out.initEligible(count(p.eligible.size())), p.eligible);
  write_nodes(out.initAdding(count(p.adding.size())), p.adding);
  write_nodes(out.initRemoving(count(p.removing.size())), p.removing);
  auto cut = out.initCutShort(count(p.cut_short.size()));
  for (unsigned i = 0; i < cut.size(); ++i) {
    cut[i].setId(p.cut_short[i].id.value);
    cut[i].setLastEpoch(p.cut_short[i].last_epoch.value);
    cut[i].setEndOffset(p.cut_short[i].end.value);
  }
}

void write(capnp::List<wire::Partition>::Builder out,
  const std::vector<partition_registration>& partitions) {
  for (unsigned i = 0; i < out.size(); ++i)
    write(out[i], partitions[i]);
}

void write(wire::BrokerRegistered::Builder out, const broker_registered& c) {
  out.setId(c.id.value);
  write(out.initIncarnation(), c.incarnation);
  write_ids(out.initDirectories(count(c.directories.size())), c.directories);
  auto endpoints = out.initEndpoints(count(c.endpoints.size()));
  for (unsigned i = 0; i < endpoints.size(); ++i) {
    const auto& from = c.endpoints[i];
    endpoints[i].setListener(text(from.listener));
    endpoints[i].setHost(text(from.host));
    endpoints[i].setPort(from.port);
    endpoints[i].setSecurityProtocol(from.security_protocol);
  }
  out.setHasRack(c.rack.has_value());
  if (c.rack)
    out.setRack(text(*c.rack));
  out.setBrokerEpoch(c.broker_epoch);
  out.setFenced(c.fenced);
  out.setShuttingDown(c.shutting_down);
  out.setStandingSince(c.standing_since);
}

uuid read(wire::Uuid::Reader id) {
  return {id.getHigh(), id.getLow()};
}

partition_registration read(wire::Partition::Reader from) {
  partition_registration p;
  p.index = from.getIndex();
  p.leader = {from.getLeader()};
  p.epoch = {from.getLeaderEpoch()};
  p.partition_epoch = from.getPartitionEpoch();
  p.replicas = read_nodes(from.getReplicas());
  p.isr = read_nodes(from.getIsr());
  p.directories = read_ids(from.getDirectories());
  p.eligible = read_nodes(from.getEligible());
  p.adding = read_nodes(from.getAdding());
  p.removing = read_nodes(from.getRemoving());
  for (auto cut : from.getCutShort())
    p.cut_short.push_back(
      {{cut.getId()}, {cut.getLastEpoch()}, {cut.getEndOffset()}});
  return p;
}

std::vector<partition_registration> read(
  capnp::List<wire::Partition>::Reader from) {
  std::vector<partition_registration> partitions;
  partitions.reserve(from.size());
  for (auto p : from)
    partitions.push_back(read(p));
  return partitions;
}

broker_registered read(wire::BrokerRegistered::Reader from) {
  broker_registered c;
  c.id = {from.getId()};
  c.incarnation = read(from.getIncarnation());
  c.directories = read_ids(from.getDirectories());
  for (auto e : from.getEndpoints())
    c.endpoints.push_back({string_of(e.getListener()), string_of(e.getHost()),
      e.getPort(), e.getSecurityProtocol()});
  if (from.getHasRack())
    c.rack = string_of(from.getRack());
  c.broker_epoch = from.getBrokerEpoch();
  c.fenced = from.getFenced();
  c.shutting_down = from.getShuttingDown();
  c.standing_since = from.getStandingSince();
  return c;
}

} // namespace millrace::metadata_parts
