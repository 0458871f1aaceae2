# Conversation 2: followers fetch from leaders, one conversation for each
# pair of nodes.
@0xd8ec5775ef306ab9;

using Cxx = import "/capnp/c++.capnp";
using Meta = import "metadata.capnp";
$Cxx.namespace("millrace::wire");

# Two positions: what is appended, and what is on disk (R2).
struct ReplicaPosition {
  topic @0 :Meta.Uuid;
  partition @1 :Int32;
  leaderEpoch @2 :Int32;
  appendedOffset @3 :Int64;
  durableOffset @4 :Int64;
  logStartOffset @5 :Int64;
  # The epoch of the last batch, to find a divergence (KIP-101, KIP-279).
  lastEpoch @6 :Int32;
  bytesMax @7 :Int32;
}

struct ReplicaFetchRequest {
  follower @0 :Int32;
  brokerEpoch @1 :Int64;
  bytesMax @2 :Int32;
  waitMsMax @3 :Int32;
  positions @4 :List(ReplicaPosition);
}

# The records of partition i are raw run `run` of the envelope; -1: none.
struct ReplicaRecords {
  topic @0 :Meta.Uuid;
  partition @1 :Int32;
  error @2 :Int16;
  leaderEpoch @3 :Int32;
  baseOffset @4 :Int64;
  highWatermark @5 :Int64;
  logStartOffset @6 :Int64;
  # Set when the follower's end does not match: cut to at most here.
  divergingEpoch @7 :Int32 = -1;
  divergingEndOffset @8 :Int64 = -1;
  run @9 :Int32 = -1;
}

struct ReplicaFetchAnswer {
  error @0 :Int16;
  partitions @1 :List(ReplicaRecords);
}

struct EpochQuestion {
  topic @0 :Meta.Uuid;
  partition @1 :Int32;
  currentLeaderEpoch @2 :Int32;
  epoch @3 :Int32;
}

struct EpochEnd {
  topic @0 :Meta.Uuid;
  partition @1 :Int32;
  error @2 :Int16;
  epoch @3 :Int32;
  endOffset @4 :Int64;
}

struct ReplicaMessage {
  union {
    none @0 :Void;
    fetchRequest @1 :ReplicaFetchRequest;
    fetchAnswer @2 :ReplicaFetchAnswer;
    epochRequest @3 :List(EpochQuestion);
    epochAnswer @4 :List(EpochEnd);
  }
}
