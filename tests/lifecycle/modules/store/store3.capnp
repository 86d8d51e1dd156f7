@0xf83c5b1a0d9e2746;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::test");

struct Store3 @0xb9e8d7c6f5a41302 {
  entry :group {
    name @0 :Text;
    count @1 :UInt64;
  }
  sums @2 :List(UInt64);
}
