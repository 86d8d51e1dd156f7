@0xd3b8107c64ea925f;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::stream");

# What flows between the operators of stream.

struct Frame {
  sequence @0 :UInt64;
  # From 1 on, without a gap.
  position @1 :UInt64;
  # Bytes of the source before it.
  data @2 :Data;
  # Empty: the source had nothing in time.
}

struct Counts {
  # What a sender has seen since it told before.
  opened @0 :UInt64;
  closed @1 :UInt64;
  frames @2 :UInt64;
  dropped @3 :UInt64;
  bytes @4 :UInt64;
}
