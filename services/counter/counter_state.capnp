@0xe2d4b8a6915c7f30;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::counting");

# What a counter stands at.

struct CounterState {
  value @0 :UInt64;
}
