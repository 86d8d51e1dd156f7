@0xe58c40ad6f0b39b6;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::kv");

# What a store knows besides its entries, in all versions.

struct StoreState {
  sweeps @0 :Bool;
  # A timer to look for expired entries runs.
  started @1 :Int64;
  # When the first version was: milliseconds since 1970.
  commands @2 :UInt64;
  hits @3 :UInt64;
  misses @4 :UInt64;
  expired @5 :UInt64;
  turn @6 :UInt64;
  # Which timer that is: one that it was not told of, as after a restart, counts for nothing.
}
