# Conversation 6: what partitions and the coordinators of transactions, which
# may be led by different nodes, want of one another (KIP-98, KIP-890).
# schema/transaction_message.hpp says what the fields mean.
@0xb04d1c3a6f92e871;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::wire");

struct TransactionPartition {
  topic @0 :Text;
  partition @1 :Int32;
}

struct TransactionCheck {
  transactionalId @0 :Text;
  producerId @1 :Int64;
  producerEpoch @2 :Int16;
  # Whether the transaction shall have the partitions from now on; else it
  # must have them already.
  adds @3 :Bool;
  partitions @4 :List(TransactionPartition);
}

struct MarkerWrite {
  producerId @0 :Int64;
  producerEpoch @1 :Int16;
  commit @2 :Bool;
  transactionVersion @3 :Int8;
  coordinatorEpoch @4 :Int32;
  partition @5 :TransactionPartition;
  # Of the partition: written in this leadership or not at all.
  leaderEpoch @6 :Int32;
}

struct MarkerOrder {
  # The sender's broker epoch; a later life of its node has a larger one.
  brokerEpoch @0 :Int64;
  writes @1 :List(MarkerWrite);
}

struct TransactionMessage {
  union {
    none @0 :Void;
    check @1 :TransactionCheck;
    markers @2 :MarkerOrder;
    # Kafka's error codes, in the order of what was asked.
    answer @3 :List(Int16);
  }
}
