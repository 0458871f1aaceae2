# Conversation 1: the members of a consensus group.
# Section numbers are those of the Raft paper (extended version).
@0xa1b0ccb3d68a33bb;

using Cxx = import "/capnp/c++.capnp";
using Meta = import "metadata.capnp";
$Cxx.namespace("millrace::wire");

# A voter is a node and its directory: a wiped one is a new voter (R24).
struct Voter {
  node @0 :Int32;
  directory @1 :Meta.Uuid;
}

struct VoteRequest {
  # §5.2, §5.4.1. With preVote set nothing becomes durable (§9.6 of the thesis).
  term @0 :Int64;
  candidate @1 :Voter;
  recipient @2 :Voter;
  lastLogIndex @3 :Int64;
  lastLogTerm @4 :Int64;
  preVote @5 :Bool;
  # The leader itself asked for this election: check quorum does not hold it.
  leadershipTransfer @6 :Bool;
}

struct VoteAnswer {
  term @0 :Int64;
  granted @1 :Bool;
  preVote @2 :Bool;
}

# The bytes of the entries are raw runs of the envelope, one for each entry.
struct EntryHead {
  term @0 :Int64;
  kind @1 :Kind;
  enum Kind {
    command @0;
    configuration @1;
    leadership @2;
  }
}

struct AppendRequest {
  # §5.3. Without entries it is a heartbeat.
  term @0 :Int64;
  leader @1 :Int32;
  previousLogIndex @2 :Int64;
  previousLogTerm @3 :Int64;
  commitIndex @4 :Int64;
  entries @5 :List(EntryHead);
  # Counts the leader's rounds; an answer's round proves leadership since it
  # was sent (read index, §8).
  round @6 :UInt64;
}

struct AppendAnswer {
  term @0 :Int64;
  success @1 :Bool;
  # On success the last durable index that matches; else where to try next.
  matchIndex @2 :Int64;
  # §5.3, last part: the conflicting term and its first index.
  conflictTerm @3 :Int64;
  conflictIndex @4 :Int64;
  round @5 :UInt64;
}

# The chunk's bytes are the envelope's one raw run.
struct SnapshotChunk {
  # §7.
  term @0 :Int64;
  leader @1 :Int32;
  lastIncludedIndex @2 :Int64;
  lastIncludedTerm @3 :Int64;
  position @4 :UInt64;
  done @5 :Bool;
  voters @6 :List(Voter);
}

struct SnapshotAnswer {
  term @0 :Int64;
  # Where the next chunk is expected to begin.
  position @1 :UInt64;
}

struct TimeoutNow {
  # §3.10 of the thesis: transfer of leadership.
  term @0 :Int64;
  leader @1 :Int32;
}

struct RaftMessage {
  # The group: metadata, coordination.
  group @0 :Text;
  union {
    none @1 :Void;
    voteRequest @2 :VoteRequest;
    voteAnswer @3 :VoteAnswer;
    appendRequest @4 :AppendRequest;
    appendAnswer @5 :AppendAnswer;
    snapshotChunk @6 :SnapshotChunk;
    snapshotAnswer @7 :SnapshotAnswer;
    timeoutNow @8 :TimeoutNow;
  }
}
