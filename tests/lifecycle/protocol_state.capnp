@0xd1c3a7e5f0b24986;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::test");

# What the operators of the protocol tests keep.
struct StageState {
  count @0 :UInt64;
  born @1 :UInt64; # epoch that brought its place
}

# What the operators that ask and are asked keep.
struct RequestState {
  count @0 :UInt64;               # questions asked by itself
  pending @1 :List(Question);     # not answered yet
  struct Question {
    id @0 :UInt64;
    number @1 :UInt64;
    from @2 :Text;
  }
}

# A part of what `test.table` keeps.
struct TablePart {
  entries @0 :List(Entry);
  gone @1 :List(UInt64);
  struct Entry {
    key @0 :UInt64;
    seen @1 :UInt64;
  }
}

# The same in version 3 of `test.shard`.
struct ShardPart {
  gone @0 :List(UInt64);
  rows @1 :List(Row);
  struct Row {
    seen @0 :Text;
    key @1 :UInt64;
  }
}
