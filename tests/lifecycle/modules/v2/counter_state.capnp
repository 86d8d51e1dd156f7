@0xb7d1f0c3a2e49586;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::test");

struct CounterState {
  count @0 :UInt64;
  last @1 :Text;
}
