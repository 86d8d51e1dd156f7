@0xa4d0c9f1e2b37718;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::test");

struct Store1 @0xe1f7340c5a6b2d91 {
  count @0 :UInt32;
  name @1 :Text;
}
