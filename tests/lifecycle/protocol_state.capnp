@0xd1c3a7e5f0b24986;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::test");

# What the operators of the protocol tests keep.
struct StageState {
  count @0 :UInt64;
  born @1 :UInt64; # epoch that brought its place
}
