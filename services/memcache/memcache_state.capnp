@0xe92c4b7d10a6f358;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::memcache");

# Sockets and the table are the host's and outlive every version of an operator.

struct LoopState {
  sessions @0 :List(Session);

  struct Session {
    descriptor @0 :UInt64;
    input @1 :Data;
    # Has come, but is not carried out.
    output @2 :Data;
    # Not sent yet.
    swallow @3 :UInt64;
    # Bytes still to come that belong to a value that was refused.
    closing @4 :Bool;
    ended @5 :Bool;
    # The client sends no more.
  }
}

struct ClockState {
  ticks @0 :UInt64;
}
