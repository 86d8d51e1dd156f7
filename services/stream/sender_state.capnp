@0xb9074ed5f3c8612a;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::stream");

struct SenderState {
  window @0 :List(Encoded);
  # The latest frames, the oldest first.
  listeners @1 :List(Listener);
  opened @2 :UInt64;
  closed @3 :UInt64;
  frames @4 :UInt64;
  dropped @5 :UInt64;
  bytes @6 :UInt64;
  # What the statistics have not been told of.

  struct Encoded {
    sequence @0 :UInt64;
    text @1 :Data;
  }

  struct Listener {
    connection @0 :UInt64;
    listens @1 :Bool;
    # Else it has not yet said what it wants.
    line @2 :Data;
    # What has come of that.
    next @3 :UInt64;
    # The frame that it gets next; 0 = the next that comes.
    rest @4 :Data;
    # What is still to be written before that.
  }
}
