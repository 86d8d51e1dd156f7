@0xd17c40a5e3926bf8;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::proxy");

# Connections to upstream servers, and questions without an answer.

struct SendState {
  servers @0 :List(Server);
  jobs @1 :List(Job);
  waiting @2 :List(UInt64);
  # Tokens of those that wait for a connection, oldest first.
  lastToken @3 :UInt64;
  sweeps @4 :Bool;
  # A timer that looks at times is on its way.

  struct Server {
    address @0 :Text;
    down @1 :UInt32;
    # For so many seconds more it is asked last.
    idle @2 :List(Idle);
  }

  struct Idle {
    connection @0 :UInt64;
    age @1 :UInt32;
    # Seconds without use.
  }

  struct Job {
    token @0 :UInt64;
    request @1 :UInt64;
    # Under which it was asked.
    question @2 :UInt64;
    # Kept by the host while the state is handed over.
    phase @3 :UInt8;
    server @4 :UInt32;
    # Index in `servers`.
    connection @5 :UInt64;
    # While it connects, or is written.
    sent @6 :UInt64;
    usedBefore @7 :Bool;
    freshOnly @8 :Bool;
    tried @9 :UInt64;
    # Servers in vain, one bit each.
    status @10 :UInt16;
    age @11 :UInt32;
    # Seconds since it was asked.
    still @12 :UInt32;
    # Seconds since its connection did something.
  }
}
