@0xd3a1c59e7b24f680;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::test");

# A line as one version of a module knows it, and as the next does.
struct Line {
  number @0 :UInt32;
}

struct LongLine {
  number @0 :UInt32;
  words @1 :UInt32 = 5;
  length @2 :UInt64;
  text @3 :Text;
}
