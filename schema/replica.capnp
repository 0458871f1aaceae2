# Conversation 2: followers fetch from leaders. One message is about one
# partition; the link gathers what is sent together.
# schema/replica_message.hpp says what the fields mean.
@0xd8ec5775ef306ab9;

using Cxx = import "/capnp/c++.capnp";
using Meta = import "metadata.capnp";
$Cxx.namespace("millrace::wire");

struct ReplicaFetch {
  number @0 :UInt64;
  brokerEpoch @1 :Int64;
  # Two positions: what is appended, and what is on disk (R2).
  appendedOffset @2 :Int64;
  durableOffset @3 :Int64;
  logStartOffset @4 :Int64;
  # The epoch of the last batch, to find a divergence (KIP-101, KIP-279).
  lastEpoch @5 :Int32 = -1;
  # -1: not known.
  highWatermark @6 :Int64 = -1;
  # 0: a position only, nothing is asked for.
  bytesMax @7 :Int32;
  # A consumer waits at the follower for what comes next.
  waitedFor @8 :Bool;
  # What came before was not what had been written: look at it.
  refused @9 :Bool;
}

# The batches are the envelope's one raw run; no run: none.
struct ReplicaAnswer {
  number @0 :UInt64;
  final @1 :Bool;
  highWatermark @2 :Int64;
  logStartOffset @3 :Int64;
  # Set when the follower's end does not match: cut to at most here.
  diverges @4 :Bool;
  divergingEpoch @5 :Int32 = -1;
  divergingEndOffset @6 :Int64 = -1;
  waitedFor @7 :Bool;
}

struct ReplicaMessage {
  topic @0 :Meta.Uuid;
  partition @1 :Int32;
  # The leader epoch that the sender is in; others do not listen to it.
  leaderEpoch @2 :Int32;
  union {
    none @3 :Void;
    fetch @4 :ReplicaFetch;
    answer @5 :ReplicaAnswer;
    nudge @6 :Void;
  }
}
