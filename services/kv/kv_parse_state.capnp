@0xb1d97fbbb9a54ae6;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::kv");

# What has arrived of commands that are not complete.

struct ParseState {
  partials @0 :List(Partial);

  struct Partial {
    connection @0 :UInt64;
    bytes @1 :Data;
    paused @2 :Bool;
    # Complete commands may be among `bytes`: too much was unanswered to take them.
    ended @3 :Bool;
    # The peer sends no more.
  }
}
