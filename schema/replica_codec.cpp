#include "schema/replica_codec.hpp"

#include "schema/capnp_bytes.hpp"
#include "schema/replica.capnp.h"

namespace millrace {

namespace {

using wire_message = wire::ReplicaMessage;

struct body_writer {
  wire_message::Builder to;
  envelope& around;

  void operator()(const replica_fetch& m) {
    around.request_id = m.number;
    auto body = to.initFetch();
    body.setNumber(m.number);
    body.setBrokerEpoch(m.broker_epoch);
    body.setAppendedOffset(m.appended.value);
    body.setDurableOffset(m.durable.value);
    body.setLogStartOffset(m.log_start.value);
    body.setLastEpoch(m.last_epoch.value);
    body.setHighWatermark(m.high_watermark.value);
    body.setBytesMax(m.bytes_max);
    body.setWaitedFor(m.waited_for);
    body.setRefused(m.refused);
  }
  void operator()(const replica_answer& m) {
    around.request_id = m.number;
    around.is_answer = true;
    auto body = to.initAnswer();
    body.setNumber(m.number);
    body.setFinal(m.final);
    body.setHighWatermark(m.high_watermark.value);
    body.setLogStartOffset(m.log_start.value);
    if (m.diverging) {
      body.setDiverges(true);
      body.setDivergingEpoch(m.diverging->epoch.value);
      body.setDivergingEndOffset(m.diverging->end.value);
    }
    body.setWaitedFor(m.waited_for);
    if (!m.batches.empty())
      around.runs.push_back(m.batches);
  }
  void operator()(const replica_nudge&) {
    to.setNudge();
  }
};

error corrupt(const std::string& what) {
  return {errc::corrupt, "replica message: " + what};
}

result<replica_body> read_fetch(wire::ReplicaFetch::Reader from) {
  const replica_fetch m{.number = from.getNumber(),
    .broker_epoch = from.getBrokerEpoch(),
    .appended = offset{from.getAppendedOffset()},
    .durable = offset{from.getDurableOffset()},
    .log_start = offset{from.getLogStartOffset()},
    .last_epoch = leader_epoch{from.getLastEpoch()},
    .high_watermark = offset{from.getHighWatermark()},
    .bytes_max = from.getBytesMax(),
    .waited_for = from.getWaitedFor(),
    .refused = from.getRefused()};
  if (m.durable.value < 0 || m.appended < m.durable || m.log_start.value < 0
      || m.appended < m.log_start || m.high_watermark.value < -1
      || m.bytes_max < 0)
    return corrupt("a position that no log can have");
  return replica_body{m};
}

result<replica_body> read_answer(
  wire::ReplicaAnswer::Reader from, const std::vector<shared_bytes>& runs) {
  replica_answer m{.number = from.getNumber(),
    .final = from.getFinal(),
    .high_watermark = offset{from.getHighWatermark()},
    .log_start = offset{from.getLogStartOffset()},
    .waited_for = from.getWaitedFor()};
  if (m.high_watermark.value < 0 || m.log_start.value < 0)
    return corrupt("a position that no log can have");
  if (from.getDiverges()) {
    m.diverging = {leader_epoch{from.getDivergingEpoch()},
      offset{from.getDivergingEndOffset()}};
    if (m.diverging->end.value < 0)
      return corrupt("a divergence at no offset");
  }
  if (runs.size() > 1)
    return corrupt("more than one run of batches");
  if (!runs.empty())
    m.batches = runs.front();
  if (!m.batches.empty() && (!m.final || m.diverging))
    return corrupt("batches that nobody can have asked for");
  return replica_body{std::move(m)};
}

result<replica_body> read_body(
  wire_message::Reader from, const std::vector<shared_bytes>& runs) {
  if (from.which() == wire_message::ANSWER)
    return read_answer(from.getAnswer(), runs);
  if (!runs.empty())
    return corrupt("bytes that belong to nothing");
  switch (from.which()) {
  case wire_message::FETCH:
    return read_fetch(from.getFetch());
  case wire_message::NUDGE:
    return replica_body{replica_nudge{}};
  case wire_message::NONE:
    return corrupt("it says nothing");
  default:
    return error{errc::unsupported, "replica message of a newer version"};
  }
}

} // namespace

envelope encode(const replica_message& message) {
  envelope e{.conversation = conversation::replica};
  capnp::MallocMessageBuilder builder;
  auto root = builder.initRoot<wire_message>();
  auto topic = root.initTopic();
  topic.setHigh(message.topic.high);
  topic.setLow(message.topic.low);
  root.setPartition(message.partition);
  root.setLeaderEpoch(message.epoch.value);
  std::visit(body_writer{root, e}, message.body);
  e.message = to_shared_bytes(builder);
  return e;
}

result<replica_message> decode_replica_message(const envelope& from) {
  if (from.conversation != conversation::replica)
    return corrupt("not of this conversation");
  return read_capnp<wire_message>(from.message, "replica message",
    [&](wire_message::Reader root) -> result<replica_message> {
      auto body = read_body(root, from.runs);
      MILLRACE_TRY(body);
      const auto topic = root.getTopic();
      replica_message m{{topic.getHigh(), topic.getLow()}, root.getPartition(),
        leader_epoch{root.getLeaderEpoch()}, std::move(*body)};
      if (m.partition < 0 || m.epoch.value < 0)
        return corrupt("of no partition");
      return m;
    });
}

} // namespace millrace
