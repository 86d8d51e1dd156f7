@0xb2a4f1c86d07e935;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::http");

# What a cache holds, and which requests it has passed on.

struct CacheState {
  entries @0 :List(Entry);
  # The one used longest ago first.
  open @1 :List(Miss);
  lastMiss @2 :UInt64;

  struct Entry {
    target @0 :Text;
    # With a "+" before it: for clients that take gzip.
    contentType @1 :Text;
    modified @2 :Int64;
    ageNs @3 :Int64;
    body @4 :UInt64;
    # Kept by the host while the state is handed over; 0 = an empty one.
    modifiedFraction @5 :UInt32;
    gzipped @6 :Bool;
    varies @7 :Bool;
  }

  struct Miss {
    id @0 :UInt64;
    connection @1 :UInt64;
    target @2 :Text;
    ageNs @3 :Int64;
  }
}
