#include "actors/controller_codec.hpp"

#include "actors/controller_codec_parts.hpp"
#include "schema/capnp_bytes.hpp"
#include "schema/controller.capnp.h"
#include "schema/metadata_parts.hpp"

namespace millrace {

namespace {

using namespace controller_parts;
using wire_message = wire::ControllerMessage;

void write(wire::NodeLoad::Builder to, const node_load& load) {
  to.setInRate(load.rates.in);
  to.setOutRate(load.rates.out);
  to.setOverMs(load.over_ms);
  auto heaviest = to.initHeaviest(metadata_parts::count(load.heaviest.size()));
  for (unsigned i = 0; i < heaviest.size(); ++i) {
    const auto& p = load.heaviest[i];
    metadata_parts::write(heaviest[i].initTopic(), p.topic);
    heaviest[i].setPartition(p.partition);
    heaviest[i].setInRate(p.rates.in);
    heaviest[i].setOutRate(p.rates.out);
  }
}

node_load read_load(wire::NodeLoad::Reader from) {
  node_load load;
  load.rates = {from.getInRate(), from.getOutRate()};
  load.over_ms = from.getOverMs();
  for (auto p : from.getHeaviest())
    if (load.heaviest.size() < node_load::heaviest_max)
      load.heaviest.push_back({metadata_parts::read(p.getTopic()),
        p.getPartition(), {p.getInRate(), p.getOutRate()}});
  return load;
}

struct question_writer {
  wire_message::Builder to;
  int16_t version;
  const std::optional<quota_client>& client;
  std::vector<shared_bytes>& runs;

  template <kafka_question Question>
  void operator()(const Question& q) {
    constexpr auto key = answered_by<Question>::key;
    auto body = to.initForwardedRequest();
    body.setApiKey(static_cast<int16_t>(key));
    body.setApiVersion(version_within(key, version));
    if (client) {
      body.setUser(text(client->user));
      body.setClientId(text(client->client_id));
    }
    runs.push_back(to_bytes(q, body.getApiVersion()));
  }
  void operator()(const auto_create_topics& q) {
    auto names = to.initAutoCreateTopics(metadata_parts::count(q.names.size()));
    for (unsigned i = 0; i < names.size(); ++i)
      names.set(i, text(q.names[i]));
  }
  void operator()(const register_broker& q) {
    auto body = to.initRegisterBroker();
    broker_registered registration;
    registration.id = q.id;
    registration.incarnation = q.incarnation;
    registration.directories = q.directories;
    registration.endpoints = q.endpoints;
    registration.rack = q.rack;
    metadata_parts::write(body.initRegistration(), registration);
    body.setClusterId(text(q.cluster_id));
    auto lost = body.initLostRanges(metadata_parts::count(q.lost.size()));
    for (unsigned i = 0; i < lost.size(); ++i) {
      metadata_parts::write(lost[i].initTopic(), q.lost[i].topic);
      lost[i].setPartition(q.lost[i].partition);
      lost[i].setFirstOffset(q.lost[i].first.value);
      lost[i].setEndOffset(q.lost[i].end.value);
    }
    body.setUnclean(q.unclean);
    auto cut = body.initCutLogs(metadata_parts::count(q.cut_short.size()));
    for (unsigned i = 0; i < cut.size(); ++i) {
      metadata_parts::write(cut[i].initTopic(), q.cut_short[i].topic);
      cut[i].setPartition(q.cut_short[i].partition);
      cut[i].setLastEpoch(q.cut_short[i].last_epoch.value);
      cut[i].setEndOffset(q.cut_short[i].end.value);
    }
    auto starts
      = body.initKnownStarts(metadata_parts::count(q.known_starts.size()));
    for (unsigned i = 0; i < starts.size(); ++i)
      metadata_parts::write(starts[i], q.known_starts[i]);
    body.setOpenedUpTo(q.opened_up_to);
  }
  void operator()(const broker_heartbeat& q) {
    auto body = to.initBrokerHeartbeat();
    body.setId(q.id.value);
    body.setBrokerEpoch(q.broker_epoch);
    body.setAppliedIndex(q.applied_index);
    body.setWantShutDown(q.want_shutdown);
    if (q.load)
      write(body.initLoad(), *q.load);
  }
  void operator()(const change_isr& q) {
    auto body = to.initChangeIsr();
    body.setLeader(q.leader.value);
    body.setBrokerEpoch(q.broker_epoch);
    metadata_parts::write(body.initTopic(), q.topic);
    body.setPartition(q.partition);
    body.setLeaderEpoch(q.epoch.value);
    body.setPartitionEpoch(q.partition_epoch);
    auto isr = body.initIsr(metadata_parts::count(q.isr.size()));
    for (unsigned i = 0; i < isr.size(); ++i) {
      isr[i].setId(q.isr[i].id.value);
      isr[i].setBrokerEpoch(q.isr[i].broker_epoch);
    }
  }
  void operator()(const allocate_producer_ids& q) {
    auto body = to.initAllocateProducerIds();
    body.setBroker(q.broker.value);
    body.setBrokerEpoch(q.broker_epoch);
  }
};

result<admin_ask> read_request(
  wire::ForwardedRequest::Reader from, const std::vector<shared_bytes>& runs) {
  if (runs.size() != 1)
    return corrupt("a request without its bytes");
  const auto version = from.getApiVersion();
  std::optional<quota_client> client;
  if (from.hasUser())
    client = {string_of(from.getUser()), string_of(from.getClientId())};
  result<admin_ask> read
    = error{errc::unsupported, "controller message: a request with API key "
                                 + std::to_string(from.getApiKey())};
  with_question_of(from.getApiKey(), [&]<class Question>(Question) {
    auto question = from_bytes<Question>(runs[0], version);
    if (question)
      read = admin_ask{0, version, std::move(*question), client};
    else
      read = question.error();
  });
  return read;
}

register_broker read_registration(wire::RegisterBroker::Reader from) {
  auto registration = metadata_parts::read(from.getRegistration());
  register_broker q;
  q.id = registration.id;
  q.incarnation = registration.incarnation;
  q.directories = std::move(registration.directories);
  q.endpoints = std::move(registration.endpoints);
  q.rack = std::move(registration.rack);
  q.cluster_id = string_of(from.getClusterId());
  for (auto range : from.getLostRanges())
    q.lost.push_back({metadata_parts::read(range.getTopic()),
      range.getPartition(), {range.getFirstOffset()}, {range.getEndOffset()}});
  q.unclean = from.getUnclean();
  for (auto cut : from.getCutLogs())
    q.cut_short.push_back({metadata_parts::read(cut.getTopic()),
      cut.getPartition(), {cut.getLastEpoch()}, {cut.getEndOffset()}});
  for (auto start : from.getKnownStarts())
    q.known_starts.push_back(metadata_parts::read(start));
  q.opened_up_to = from.getOpenedUpTo();
  return q;
}

change_isr read_change(wire::ChangeIsr::Reader from) {
  change_isr q;
  q.leader = {from.getLeader()};
  q.broker_epoch = from.getBrokerEpoch();
  q.topic = metadata_parts::read(from.getTopic());
  q.partition = from.getPartition();
  q.epoch = {from.getLeaderEpoch()};
  q.partition_epoch = from.getPartitionEpoch();
  for (auto member : from.getIsr())
    q.isr.push_back({{member.getId()}, member.getBrokerEpoch()});
  return q;
}

result<admin_question> read_own_question(wire_message::Reader from) {
  switch (from.which()) {
  case wire_message::AUTO_CREATE_TOPICS: {
    auto_create_topics q;
    for (auto name : from.getAutoCreateTopics())
      q.names.push_back(string_of(name));
    return admin_question{std::move(q)};
  }
  case wire_message::REGISTER_BROKER:
    return admin_question{read_registration(from.getRegisterBroker())};
  case wire_message::BROKER_HEARTBEAT: {
    const auto body = from.getBrokerHeartbeat();
    broker_heartbeat beat{{body.getId()}, body.getBrokerEpoch(),
      body.getAppliedIndex(), body.getWantShutDown()};
    if (body.hasLoad())
      beat.load = read_load(body.getLoad());
    return admin_question{std::move(beat)};
  }
  case wire_message::CHANGE_ISR:
    return admin_question{read_change(from.getChangeIsr())};
  case wire_message::ALLOCATE_PRODUCER_IDS: {
    const auto body = from.getAllocateProducerIds();
    return admin_question{
      allocate_producer_ids{{body.getBroker()}, body.getBrokerEpoch()}};
  }
  case wire_message::FORWARDED_ANSWER:
  case wire_message::REGISTER_BROKER_ANSWER:
  case wire_message::BROKER_HEARTBEAT_ANSWER:
  case wire_message::CHANGE_ISR_ANSWER:
  case wire_message::ALLOCATE_PRODUCER_IDS_ANSWER:
    return corrupt("an answer in the place of a question");
  case wire_message::NONE:
    return corrupt("it says nothing");
  default:
    return error{errc::unsupported, "controller message of a newer version"};
  }
}

} // namespace

envelope encode_question(uint64_t request_id, const admin_ask& ask) {
  envelope e{
    .conversation = conversation::controller, .request_id = request_id};
  capnp::MallocMessageBuilder builder;
  std::visit(question_writer{builder.initRoot<wire_message>(), ask.version,
               ask.client, e.runs},
    ask.question);
  e.message = to_shared_bytes(builder);
  return e;
}

result<admin_ask> decode_question(const envelope& from) {
  MILLRACE_TRY(check(from, false));
  return read_capnp<wire_message>(from.message, "controller message",
    [&](wire_message::Reader root) -> result<admin_ask> {
      if (root.which() == wire_message::FORWARDED_REQUEST)
        return read_request(root.getForwardedRequest(), from.runs);
      if (!from.runs.empty())
        return corrupt("bytes that belong to nothing");
      auto question = read_own_question(root);
      MILLRACE_TRY(question);
      return admin_ask{0, 0, std::move(*question)};
    });
}

} // namespace millrace
