@0xf356ed0df0c1b715;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::http");

# What has arrived of requests that are not complete.

struct ParseState {
  partials @0 :List(Partial);

  struct Partial {
    connection @0 :UInt64;
    bytes @1 :Data;
    skip @2 :UInt64;
    # Bytes of a body that are still to be thrown away, before `bytes`.
    paused @3 :Bool;
    # Complete requests may be among `bytes`: too many were open to take them.
    ended @4 :Bool;
    # The peer sends no more.
  }
}
