@0xb7d5a3f4c1e29680;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::test");

# What the operators of blocking_live keep: what a call left half done, and what waits.
struct HalfDone {
  part @0 :Data;
  have @1 :UInt64;
  waiting @2 :List(Text);
}
