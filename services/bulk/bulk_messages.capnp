@0xb54e9f02d7186ca3;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::bulk");

# What flows between the operators of bulk. Connections are the host's; they are named by id, and
# the control operator holds them open.

struct Transfer {
  connection @0 :UInt64;
  sends @1 :Bool;
  # The client sends, and is told what came; else it gets bytes.
  size @2 :UInt64;
  seed @3 :UInt64;
  # Of the bytes: `bulk::pattern`.
}

struct Asked {
  connection @0 :UInt64;
  # Its client wants a report.
}

struct Returned {
  connection @0 :UInt64;
  ended @1 :Bool;
  # It is not to be used any more.
}

struct Moved {
  received @0 :UInt64;
  sent @1 :UInt64;
  # Bytes since the receiver told of it before.
}
