@0xb8c7d6e5f4031223;

using Cxx = import "/capnp/c++.capnp";
using Shared = import "shared.capnp";
$Cxx.namespace("scaffold");

struct Stock2 {
  name @0 :Text;
  blob @1 :Data;
  flag @2 :Bool;
  small @3 :UInt32;
  signed @4 :Int64;
  ratio @5 :Float64;
  wide @6 :UInt32;
  changed @7 :Data;
  fresh @8 :List(Text);
  stamp @9 :Shared.Stamp;
  unit @10 :Shared.Unit;
  colour @11 :Colour;
  shelf @12 :Shelf;
  numbers @13 :List(UInt64);
  names @14 :List(Text);
  colours @15 :List(Colour);
  shelves @16 :List(Shelf);
  stamps @17 :List(Shared.Stamp);
  table @18 :List(List(UInt16));
  place :group {
    row @19 :UInt16;
    column @20 :Text;
    note @21 :Text;
  }
  union {
    weight @22 :UInt32;
    empty @23 :Void;
    packed @24 :Shelf;
    cut :group {
      length @25 :UInt32;
    }
    outside @26 :Text;
  }
  anything @27 :AnyPointer;

  enum Colour {
    mauve @0;
    red @1;
    green @2;
  }
  struct Shelf {
    label @0 :Text;
    items @1 :List(UInt64);
    inner @2 :List(Shelf);
    owner @3 :Stock2;
  }
}
