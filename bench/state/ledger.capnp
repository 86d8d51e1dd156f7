@0xf0a1d2c3b4e59687;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::bench");

# Accounts by number, as the first version keeps them ...
struct Accounts1 @0x8a1b2c3d4e5f6071 {
  numbers @0 :List(UInt64);
  amounts @1 :List(UInt64);
  gone @2 :List(UInt64);
}

# ... and as the second does.
struct Accounts2 @0x9b2c3d4e5f607182 {
  accounts @0 :List(Account);
  gone @1 :List(UInt64);

  struct Account {
    number @0 :UInt64;
    cents @1 :Int64;
    currency @2 :UInt32;
  }
}
