# Conversation 5: users' own actors, on whichever nodes they run, and the
# requests of Kafka's protocol that they send to the leaders of partitions.
# schema/custom_message.hpp says what the fields mean.
@0xe71eb74bccfc2942;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::wire");

# The user's own message is the envelope's one raw run.
struct ActorLetter {
  toName @0 :Text;
  toInstance @1 :Int32;
  fromName @2 :Text;
  fromInstance @3 :Int32;
  # Of the struct in the user's schema, as its compiler gives it.
  type @4 :UInt64;
}

struct CustomMessage {
  union {
    none @0 :Void;
    letter @1 :ActorLetter;
    # A frame without its length is the envelope's one raw run. The receiver
    # handles it as if a client of its own had sent it.
    request @2 :Void;
    # Likewise; no run: there is no answer.
    answer @3 :Void;
  }
}

# A record that an actor has written and that its topic has not taken yet; a
# value in the log of the actor's state.
struct WaitingWrite {
  topic @0 :Text;
  # -1: as the key says.
  partition @1 :Int32;
  hasKey @2 :Bool;
  key @3 :Data;
  hasValue @4 :Bool;
  value @5 :Data;
}
