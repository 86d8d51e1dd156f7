@0xc2b1d86f7e3a4059;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::test");

struct Store2 @0xd0a3b5c7e9f12468 {
  name @0 :Text;
  count @1 :UInt64;
  sum @2 :UInt64;
}
