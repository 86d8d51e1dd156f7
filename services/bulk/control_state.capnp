@0xe8d3617a50b9fc24;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::bulk");

struct ControlState {
  kept @0 :List(Kept);
  waiting @1 :List(Waiting);
  lent @2 :List(Lent);

  struct Kept {
    connection @0 :UInt64;
    line @1 :Data;
    # What has come of its next command.
    since @2 :UInt64;
    # When it came, or was given back; nanoseconds of this process's steady clock.
  }

  struct Waiting {
    # For a receiver that is free.
    connection @0 :UInt64;
    sends @1 :Bool;
    size @2 :UInt64;
    seed @3 :UInt64;
  }

  struct Lent {
    connection @0 :UInt64;
    toReporter @1 :Bool;
    key @2 :UInt64;
    # Else: of the packet with which it went to a receiver.
  }
}
