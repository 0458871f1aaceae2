# What the actors of this example say to one another.
@0x8ffefa946bf18de3;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("word_counter");

# A watch asks the counter.
struct TotalQuestion {}

# The counter answers.
struct Total {
  words @0 :UInt64;
  distinct @1 :UInt64;
  # Where the counter runs.
  node @2 :Int32;
}
