@0xb1d5e3a7c2f04681;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::blocking");

# Sockets are the host's and outlive every version of an operator; state names them by id.

struct LineClients {
  listener @0 :UInt64;
  # 0 = it does not listen.
  clients @1 :List(Client);
  last @2 :UInt64;
  # Number that was given to a client.
  notes @3 :List(Text);
  # What the operator keeps beside them.
  leaving @4 :List(UInt64);
  # Listeners of former addresses, on which clients wait still.

  struct Client {
    descriptor @0 :UInt64;
    number @1 :UInt64;
    # How the operator knows the client.
    input @2 :Data;
    # Has come, but is not taken.
    output @3 :Data;
    # Not sent yet.
    closing @4 :Bool;
    ended @5 :Bool;
    # The client sends no more.
    waits @6 :Bool;
    # For what was asked last; further lines wait.
    marked @7 :Bool;
    # What that means is up to the operator.
  }
}
