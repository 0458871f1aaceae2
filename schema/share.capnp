# Conversation 7: what partitions, groups and share coordinators, which may be
# led by different nodes, want of one another (KIP-932).
# schema/share_message.hpp says what the fields mean.
@0xd5a2c81f7be04693;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::wire");

struct ShareMessage {
  union {
    none @0 :Void;
    # A frame of Kafka's protocol without its length is the envelope's one raw
    # run. The number is the sender's broker epoch; a later life of its node has
    # a larger one.
    request @1 :Int64;
    # Likewise; no run: there is no answer.
    answer @2 :Void;
  }
}
