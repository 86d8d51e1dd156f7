@0xa7e3c90b1d5f42e5;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::kv");

# A part of the entries of version 5: all in one piece of bytes.

struct KvPart5 {
  count @0 :UInt32;
  packed @1 :Data;
  # `count` entries (packed_entry.hpp), one after the other.
  goneCount @2 :UInt32;
  gone @3 :Data;
  # So many keys without an entry: texts of `packed_writer`.
}
