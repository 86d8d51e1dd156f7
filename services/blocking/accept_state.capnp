@0xd7a41e03c6f8b925;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::blocking");

# Sockets are the host's and outlive every version of an operator; state names them by id.

struct AcceptState {
  listener @0 :UInt64;
  # 0 = it does not listen.
  leaving @1 :List(UInt64);
  # Listeners of former addresses, on which connections wait still.
  connections @2 :List(UInt64);
  # That were accepted and may be open.
}
