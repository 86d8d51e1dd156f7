@0xc82f5e9147ab3d60;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::proxy");

# Requests that are being asked upstream.

struct JoinState {
  open @0 :List(Request);
  lastToken @1 :UInt64;
  sweeps @2 :Bool;
  # A timer that keeps their connections from being taken for idle is on its way.

  struct Request {
    token @0 :UInt64;
    # Under which it was asked.
    request @1 :UInt64;
    # Kept by the host while the state is handed over.
    key @2 :UInt64;
    # Of the packet that it came in.
  }
}
