# Conversation 3: nodes and the active controller.
@0xd19e10ebb5388d21;

using Cxx = import "/capnp/c++.capnp";
using Meta = import "metadata.capnp";
$Cxx.namespace("millrace::wire");

# An admin request of a client, to the node that leads. The request's bytes
# are the envelope's one raw run, in the client's version and without its
# header, and so are the answer's.
struct ForwardedRequest {
  apiKey @0 :Int16;
  apiVersion @1 :Int16;
  # Whose quotas it is held to; none: it comes of no client.
  user @2 :Text;
  clientId @3 :Text;
}

# With an error instead of a run, nothing was decided: ask again, or another.
struct ForwardedAnswer {
  error @0 :Int16;
  apiKey @1 :Int16;
  apiVersion @2 :Int16;
}

struct RegisterBroker {
  # Its broker epoch and whether it is fenced are decided by the controller.
  registration @0 :Meta.BrokerRegistered;
  # Of the directory's cluster; empty: it has belonged to none yet.
  clusterId @1 :Text;
  # What recovery found to be missing from replicas that are held (R10).
  lostRanges @2 :List(LostRange);
  # The last stop left no mark of a clean end.
  unclean @3 :Bool;
  # The logs that recovery had to cut, and where they end since.
  cutLogs @4 :List(CutLog);
  # The starts that the directory has seen and that the cluster may know of: if
  # the registered one is not among them, this is an older copy. None: it does
  # not keep them.
  knownStarts @5 :List(Meta.Uuid);
  # Every log is open of which the metadata up to this entry tells; 0: up to
  # which entry is to be answered; -1: nothing is said of that.
  openedUpTo @6 :Int64 = -1;

  struct LostRange {
    topic @0 :Meta.Uuid;
    partition @1 :Int32;
    firstOffset @2 :Int64;
    endOffset @3 :Int64;
  }

  struct CutLog {
    topic @0 :Meta.Uuid;
    partition @1 :Int32;
    # Of the last batch that is left; -1: none is.
    lastEpoch @2 :Int32;
    endOffset @3 :Int64;
  }
}

struct RegisterBrokerAnswer {
  error @0 :Int16;
  message @1 :Text;
  brokerEpoch @2 :Int64;
  # To ask again when the metadata is known up to this entry, and the logs that
  # it tells of are open; -1: the answer is another one.
  openUpTo @3 :Int64 = -1;
}

struct BrokerHeartbeat {
  id @0 :Int32;
  brokerEpoch @1 :Int64;
  # The last entry of the metadata log that the broker has applied (R25).
  appliedIndex @2 :Int64;
  wantShutDown @3 :Bool;
  # Now and then: what it carries. Who does not know it does without.
  load @4 :NodeLoad;
}

# Record bytes a second that clients write (in) and read (out).
struct NodeLoad {
  # Of all partitions that the node leads.
  inRate @0 :Int64;
  outRate @1 :Int64;
  # So long ago the measurement began.
  overMs @2 :Int64;
  # A few of them, the heaviest first.
  heaviest @3 :List(PartitionLoad);

  struct PartitionLoad {
    topic @0 :Meta.Uuid;
    partition @1 :Int32;
    inRate @2 :Int64;
    outRate @3 :Int64;
  }
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
  # Of answers: after this entry of the metadata log the change is visible.
  appliedIndex @0 :UInt64;

  union {
    none @1 :Void;
    forwardedRequest @2 :ForwardedRequest;
    forwardedAnswer @3 :ForwardedAnswer;
    registerBroker @4 :RegisterBroker;
    registerBrokerAnswer @5 :RegisterBrokerAnswer;
    brokerHeartbeat @6 :BrokerHeartbeat;
    brokerHeartbeatAnswer @7 :BrokerHeartbeatAnswer;
    changeIsr @8 :ChangeIsr;
    changeIsrAnswer @9 :ChangeIsrAnswer;
    allocateProducerIds @10 :AllocateProducerIds;
    allocateProducerIdsAnswer @11 :AllocateProducerIdsAnswer;
    # Names of topics that a client asked about and that may be made.
    autoCreateTopics @12 :List(Text);
  }
}
