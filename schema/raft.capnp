# Conversation 1: the members of a consensus group, and the configurations in
# its log. schema/raft_message.hpp says what the fields mean. Section numbers
# are those of the Raft paper (extended version).
@0xa1b0ccb3d68a33bb;

using Cxx = import "/capnp/c++.capnp";
using Meta = import "metadata.capnp";
$Cxx.namespace("millrace::wire");

# A member is a node and its directory: a wiped one is a new member (R24).
struct Member {
  node @0 :Int32;
  directory @1 :Meta.Uuid;
}

# The payload of an entry that changes the members (§6), and part of every
# snapshot. With outgoing members it is C_old,new.
struct Configuration {
  voters @0 :List(Member);
  outgoing @1 :List(Member);
  learners @2 :List(Member);
}

struct Position {
  term @0 :UInt64;
  index @1 :UInt64;
}

struct VoteRequest {
  # §5.2, §5.4.1. With preVote set nothing becomes durable (thesis 9.6).
  last @0 :Position;
  preVote @1 :Bool;
  # The leader itself asked for this election: check quorum does not hold it.
  transfer @2 :Bool;
}

struct VoteAnswer {
  granted @0 :Bool;
  preVote @1 :Bool;
}

# The bytes of the entries are raw runs of the envelope, one for each entry.
struct EntryHead {
  term @0 :UInt64;
  # 0 command, 1 configuration, 2 leadership
  kind @1 :UInt8;
}

struct AppendRequest {
  # §5.3. Without entries it is a heartbeat.
  previous @0 :Position;
  commit @1 :UInt64;
  entries @2 :List(EntryHead);
  # Counts the leader's rounds; an answer's round proves leadership since it
  # was sent (read index, §8).
  round @3 :UInt64;
}

struct AppendAnswer {
  success @0 :Bool;
  # On success the last durable index that matches.
  match @1 :UInt64;
  # On failure the index that was refused, and where to try next (§5.3, last
  # part).
  previous @2 :UInt64;
  hint @3 :Position;
  round @4 :UInt64;
}

# The chunk's bytes are the envelope's one raw run.
struct SnapshotChunk {
  # §7.
  last @0 :Position;
  configuration @1 :Configuration;
  position @2 :UInt64;
  done @3 :Bool;
  round @4 :UInt64;
}

struct SnapshotAnswer {
  last @0 :Position;
  # Where the next chunk is expected to begin.
  position @1 :UInt64;
  round @2 :UInt64;
}

struct RaftMessage {
  # The group: metadata, coordination.
  group @0 :Text;
  from @1 :Member;
  to @2 :Member;
  term @3 :UInt64;
  union {
    none @4 :Void;
    voteRequest @5 :VoteRequest;
    voteAnswer @6 :VoteAnswer;
    appendRequest @7 :AppendRequest;
    appendAnswer @8 :AppendAnswer;
    snapshotChunk @9 :SnapshotChunk;
    snapshotAnswer @10 :SnapshotAnswer;
    # Thesis 3.10: transfer of leadership.
    timeoutNow @11 :Void;
  }
}

# Conversation 4: a node that takes no part in a group tells the controllers
# that it is there, and is told whether they do.
struct GroupHello {
  group @0 :Text;
  member @1 :Member;
  # Whether the sender has ever taken part in this group.
  inGroup @2 :Bool;
}
