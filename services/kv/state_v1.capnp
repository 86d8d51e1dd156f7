@0xc3d47f4f5ee1a6b1;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::kv");

# A part of the entries of version 1: texts.

struct KvPart1 {
  entries @0 :List(Entry);
  gone @1 :List(Data);
  # Keys without an entry.

  struct Entry {
    key @0 :Data;
    text @1 :Data;
    later @2 :Data;
    # What this version cannot express (packed.hpp: later).
  }
}
