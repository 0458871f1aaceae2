# The commands of the metadata log, and the values of its image.
# docs/formats/metadata-log.md explains both. Fields are only ever added;
# a new command is a new member of the union.
@0x9c8cf0e1469b9556;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::wire");

struct Uuid {
  high @0 :UInt64;
  low @1 :UInt64;
}

struct Endpoint {
  listener @0 :Text;
  host @1 :Text;
  port @2 :UInt16;
  securityProtocol @3 :Int16;
}

struct Partition {
  index @0 :Int32;
  leader @1 :Int32;
  leaderEpoch @2 :Int32;
  partitionEpoch @3 :Int32;
  replicas @4 :List(Int32);
  isr @5 :List(Int32);
  directories @6 :List(Uuid);
  # Left the ISR when it was at its minimum, so that they have all of it
  # (KIP-966).
  eligible @7 :List(Int32);
  # A reassignment under way: which of the replicas are new, which will go.
  adding @8 :List(Int32);
  removing @9 :List(Int32);
  # In the ISR, but recovery had to cut their logs (R10).
  cutShort @10 :List(CutReplica);
}

struct CutReplica {
  id @0 :Int32;
  # Of the last batch that is left; -1: none is.
  lastEpoch @1 :Int32;
  endOffset @2 :Int64;
}

struct ConfigChange {
  name @0 :Text;
  value @1 :Text;
  # Meaningless when removed is set.
  removed @2 :Bool;
}

struct TopicCreated {
  name @0 :Text;
  id @1 :Uuid;
  partitions @2 :List(Partition);
  configs @3 :List(ConfigChange);
}

struct PartitionsAdded {
  topic @0 :Uuid;
  partitions @1 :List(Partition);
}

struct PartitionChanged {
  topic @0 :Uuid;
  partition @1 :Partition;
}

struct ConfigsChanged {
  type @0 :Int8;
  name @1 :Text;
  changes @2 :List(ConfigChange);
}

struct BrokerRegistered {
  id @0 :Int32;
  incarnation @1 :Uuid;
  directories @2 :List(Uuid);
  endpoints @3 :List(Endpoint);
  rack @4 :Text;
  hasRack @5 :Bool;
  brokerEpoch @6 :Int64;
  fenced @7 :Bool;
  shuttingDown @8 :Bool;
  # Not in the log: the entry that last changed this broker's standing.
  standingSince @9 :Int64 = -1;
}

struct BrokerFenced {
  id @0 :Int32;
  brokerEpoch @1 :Int64;
  fenced @2 :Bool;
  shuttingDown @3 :Bool;
}

struct ProducerIdsAllocated {
  first @0 :Int64;
  count @1 :Int32;
  broker @2 :Int32;
}

struct FeatureLevel {
  name @0 :Text;
  level @1 :Int16;
}

# Whom a quota is for: one part, or a user's with a client id's.
struct QuotaEntityPart {
  # user, client-id or ip.
  type @0 :Text;
  name @1 :Text;
  # For everyone without a quota of their own; the name says nothing.
  isDefault @2 :Bool;
}

struct QuotaChange {
  key @0 :Text;
  value @1 :Float64;
  # The value says nothing.
  removed @2 :Bool;
}

struct EntityQuotas {
  entity @0 :List(QuotaEntityPart);
  changes @1 :List(QuotaChange);
}

struct QuotasChanged {
  entities @0 :List(EntityQuotas);
}

struct Command {
  union {
    none @0 :Void;
    # Never written: a message of zeros is no command.
    clusterCreated @1 :Text;
    topicCreated @2 :TopicCreated;
    topicDeleted @3 :Uuid;
    partitionsAdded @4 :PartitionsAdded;
    partitionChanged @5 :PartitionChanged;
    configsChanged @6 :ConfigsChanged;
    brokerRegistered @7 :BrokerRegistered;
    brokerFenced @8 :BrokerFenced;
    brokerRemoved @9 :Int32;
    producerIdsAllocated @10 :ProducerIdsAllocated;
    featureLevel @11 :FeatureLevel;
    leadershipBegan @12 :Int32;
    quotasChanged @13 :QuotasChanged;
  }
}

# The image: what is in the store besides topics and brokers, which are kept
# as the TopicCreated and BrokerRegistered that would make them, and dynamic
# configurations of brokers, kept as ConfigsChanged, and quotas, kept as one
# QuotasChanged.
struct ImageHead {
  version @0 :UInt16;
  appliedIndex @1 :Int64;
  appliedTerm @2 :Int64;
  logId @3 :Uuid;
  clusterId @4 :Text;
  nextProducerId @5 :Int64;
  nextBrokerEpoch @6 :Int64;
  features @7 :List(FeatureLevel);
  # The members of the group as of the applied entry, as an entry of theirs
  # would have them; empty before the first such entry.
  configuration @8 :Data;
}

# What a member that lacks too much of the log gets instead: the pairs that
# would store the image.
struct ImageSnapshot {
  version @0 :UInt16;
  pairs @1 :List(Pair);

  struct Pair {
    key @0 :Data;
    value @1 :Data;
  }
}
