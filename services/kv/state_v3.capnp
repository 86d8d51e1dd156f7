@0xf0b6ad1c85c6e9c3;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::kv");

# A part of the entries of version 3: texts and lists that may expire.

struct KvPart3 {
  gone @0 :List(Data);
  entries @1 :List(Entry);

  struct Entry {
    expires @0 :Int64;
    # Milliseconds since 1970; 0 = never.
    key @1 :Data;
    value :union {
      text @2 :Data;
      list @3 :List(Data);
    }
    later @4 :Data;
  }
}
