@0x9cf2d1a6b3e84705;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::http");

# Lines of the access log that are not in its file yet.

struct LogState {
  lines @0 :Data;
  dropped @1 :UInt64;
  # Lines that were not kept, and not told of yet.
  flushes @2 :Bool;
  # A timer is on its way.
}
