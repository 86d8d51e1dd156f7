@0x92b1a1ef1b8fd3d4;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::kv");

# A part of the entries of version 4: texts, lists and hashes that may expire.

struct KvPart4 {
  gone @0 :List(Data);
  entries @1 :List(Entry);

  struct Entry {
    expires @0 :Int64;
    key @1 :Data;
    value :union {
      text @2 :Data;
      list @3 :List(Data);
      hash @4 :List(Field);
    }
  }

  struct Field {
    name @0 :Data;
    value @1 :Data;
  }
}
