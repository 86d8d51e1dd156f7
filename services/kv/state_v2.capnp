@0xda2d2a4a4f97e0f2;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::kv");

# A part of the entries of version 2: texts and lists.

struct KvPart2 {
  gone @0 :List(Data);
  entries @1 :List(Entry);

  struct Entry {
    key @0 :Data;
    value :union {
      text @1 :Data;
      list @2 :List(Data);
    }
    later @3 :Data;
  }
}
