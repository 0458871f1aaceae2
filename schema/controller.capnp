# Conversation 3: nodes and the active controller.
@0xd19e10ebb5388d21;

using Cxx = import "/capnp/c++.capnp";
using Meta = import "metadata.capnp";
$Cxx.namespace("millrace::wire");

# An admin request of a client that reached another node. The request's bytes
# are the envelope's one raw run, as the client sent them, and so are the
# answer's: a body without its header.
struct ForwardedRequest {
  apiKey @0 :Int16;
  apiVersion @1 :Int16;
  principal @2 :Text;
  clientHost @3 :Text;
}

struct ForwardedAnswer {
  error @0 :Int16;
  # After this entry of the metadata log the change is visible.
  appliedIndex @1 :Int64;
}

struct RegisterBroker {
  registration @0 :Meta.BrokerRegistered;
  clusterId @1 :Text;
  # The log's end and what recovery proved, for each replica held (R1, R10).
  lostRanges @2 :List(LostRange);

  struct LostRange {
    topic @0 :Meta.Uuid;
    partition @1 :Int32;
    firstOffset @2 :Int64;
    endOffset @3 :Int64;
  }
}

struct RegisterBrokerAnswer {
  error @0 :Int16;
  message @1 :Text;
  brokerEpoch @2 :Int64;
}

struct BrokerHeartbeat {
  id @0 :Int32;
  brokerEpoch @1 :Int64;
  appliedIndex @2 :Int64;
  wantFence @3 :Bool;
  wantShutDown @4 :Bool;
  offlineDirectories @5 :List(Meta.Uuid);
}

struct BrokerHeartbeatAnswer {
  error @0 :Int16;
  caughtUp @1 :Bool;
  fenced @2 :Bool;
  shouldShutDown @3 :Bool;
}

struct IsrMember {
  id @0 :Int32;
  # KIP-903: an ISR change is refused if a member has restarted since.
  brokerEpoch @1 :Int64;
}

struct ChangeIsr {
  leader @0 :Int32;
  brokerEpoch @1 :Int64;
  topic @2 :Meta.Uuid;
  partition @3 :Int32;
  leaderEpoch @4 :Int32;
  partitionEpoch @5 :Int32;
  isr @6 :List(IsrMember);
}

struct ChangeIsrAnswer {
  error @0 :Int16;
  partition @1 :Meta.Partition;
}

struct AllocateProducerIds {
  broker @0 :Int32;
  brokerEpoch @1 :Int64;
}

struct AllocateProducerIdsAnswer {
  error @0 :Int16;
  first @1 :Int64;
  count @2 :Int32;
}

struct ControllerMessage {
  union {
    none @0 :Void;
    forwardedRequest @1 :ForwardedRequest;
    forwardedAnswer @2 :ForwardedAnswer;
    registerBroker @3 :RegisterBroker;
    registerBrokerAnswer @4 :RegisterBrokerAnswer;
    brokerHeartbeat @5 :BrokerHeartbeat;
    brokerHeartbeatAnswer @6 :BrokerHeartbeatAnswer;
    changeIsr @7 :ChangeIsr;
    changeIsrAnswer @8 :ChangeIsrAnswer;
    allocateProducerIds @9 :AllocateProducerIds;
    allocateProducerIdsAnswer @10 :AllocateProducerIdsAnswer;
  }
}
