@0xa94e7b02d8c1f635;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::proxy");

# Answers of upstream servers that are not complete.

struct ReceiveState {
  open @0 :List(Reading);
  sweeps @1 :Bool;
  # A timer that looks for slow servers is on its way.

  struct Reading {
    request @0 :UInt64;
    # Under which the exchange was given.
    exchange @1 :UInt64;
    spool @2 :UInt64;
    # Both kept by the host while the state is handed over.
    idle @3 :UInt32;
    # Seconds since the last byte.
    head @4 :Data;
    # So far, or all of it.
    phase @5 :UInt8;
    # Of `answer_reader`.
    some @6 :Bool;
    # Something has come.
    read @7 :UInt64;
    # Bytes in the spool.
    body @8 :Body;
    age @9 :UInt32;
    # Seconds since it was given.
  }

  struct Body {
    phase @0 :UInt8;
    # Of `body_skipper`, and what else it knows.
    digits @1 :UInt8;
    overhead @2 :UInt32;
    left @3 :UInt64;
    allowed @4 :UInt64;
  }
}
