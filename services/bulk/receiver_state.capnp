@0x91c76be25fd3a408;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::bulk");

struct ReceiverState {
  running @0 :List(Running);
  # The first one is being worked on.
  received @1 :UInt64;
  sent @2 :UInt64;
  # Bytes that the reporter has not been told of.

  struct Running {
    connection @0 :UInt64;
    sends @1 :Bool;
    size @2 :UInt64;
    seed @3 :UInt64;
    done @4 :UInt64;
    # Bytes of it.
    phase @5 :UInt8;
    # 0 = it has not begun, 1 = a line goes before the bytes, 2 = the bytes move, 3 = a line follows.
    line @6 :Text;
    # What is still to be written of it.
    since @7 :UInt64;
    # When something moved last; nanoseconds of this process's steady clock.
  }
}
