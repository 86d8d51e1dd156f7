@0x819f31b7d7df0fbe;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::net");

# Sockets are the host's and outlive every version of an operator; state names them by id.

struct AcceptState {
  listener @0 :UInt64;
  # 0 = it could not listen.
  leaving @1 :List(UInt64);
  # Listeners of former addresses, on which connections wait still.
}

struct ReadState {
  connections @0 :List(UInt64);
}
