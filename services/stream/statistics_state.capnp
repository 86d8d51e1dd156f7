@0xf5d21a6c8e9b7033;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::stream");

struct StatisticsState {
  listeners @0 :UInt64;
  peak @1 :UInt64;
  frames @2 :UInt64;
  dropped @3 :UInt64;
  bytes @4 :UInt64;
  asked @5 :List(Question);

  struct Question {
    connection @0 :UInt64;
    text @1 :Text;
    # What is still to be written; empty: it was not begun.
    since @2 :UInt64;
    # When something was written last.
  }
}
