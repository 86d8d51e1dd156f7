@0xf356ed0df0c1b715;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::http");

# What has arrived of requests that are not complete.

struct ParseState {
  partials @0 :List(Partial);
  sweeps @1 :Bool;
  # A timer that looks for slow clients is on its way.

  struct Partial {
    connection @0 :UInt64;
    bytes @1 :Data;
    skip @2 :UInt64;
    # Bytes of a body, or of a chunk of it, that are still to be thrown away, before `bytes`.
    paused @3 :Bool;
    # Complete requests may be among `bytes`: too many were open to take them.
    ended @4 :Bool;
    # The peer sends no more.
    head @5 :Data;
    # Of the request whose body is being skipped; empty if that was answered before.
    phase @6 :UInt8;
    # Of a chunked body: `body_skipper::phase`, and what else it knows.
    digits @7 :UInt8;
    overhead @8 :UInt32;
    allowed @9 :UInt64;
    age @10 :UInt32;
    # Seconds since the request began to arrive, or its body did.
    body @11 :Data;
    # What has come of it, if it is kept.
    keeps @12 :Bool;
    began @13 :UInt64;
    # When the request's first byte was seen, by this process's steady clock; 0 = not yet.
  }
}
