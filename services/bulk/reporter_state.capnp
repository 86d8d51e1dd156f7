@0xafd2083c96e71b55;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::bulk");

struct ReporterState {
  intervals @0 :List(Interval);
  # Those that have ended, the oldest first.
  next @1 :UInt64;
  # Number of the one that runs.
  received @2 :UInt64;
  sent @3 :UInt64;
  # In that.
  ends @4 :UInt64;
  # Nanoseconds of this process's steady clock.
  totalReceived @5 :UInt64;
  totalSent @6 :UInt64;
  asked @7 :List(Question);

  struct Interval {
    number @0 :UInt64;
    received @1 :UInt64;
    sent @2 :UInt64;
  }

  struct Question {
    connection @0 :UInt64;
    text @1 :Text;
    # What is still to be written of the report; empty: it was not begun.
    since @2 :UInt64;
    # When something was written last.
  }
}
