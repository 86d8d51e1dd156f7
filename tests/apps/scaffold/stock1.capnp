@0xa7b6c5d4e3f20112;

using Cxx = import "/capnp/c++.capnp";
using Shared = import "shared.capnp";
$Cxx.namespace("scaffold");

# Of everything that `instarctl scaffold` has to know: what maps by itself, and what does not.

struct Stock1 {
  flag @0 :Bool;
  small @1 :UInt16;
  signed @2 :Int32;
  ratio @3 :Float32;
  wide @4 :UInt64;
  name @5 :Text;
  blob @6 :Data;
  changed @7 :Text;
  gone @8 :UInt32;
  stamp @9 :Shared.Stamp;
  unit @10 :Shared.Unit;
  colour @11 :Colour;
  shelf @12 :Shelf;
  numbers @13 :List(UInt16);
  names @14 :List(Text);
  colours @15 :List(Colour);
  shelves @16 :List(Shelf);
  stamps @17 :List(Shared.Stamp);
  table @18 :List(List(UInt8));
  place :group {
    row @19 :UInt8;
    column @20 :UInt8;
    note @21 :Text;
  }
  union {
    empty @22 :Void;
    weight @23 :UInt32;
    packed @24 :Shelf;
    lost @25 :Text;
    cut :group {
      length @26 :UInt16;
    }
  }
  anything @27 :AnyPointer;
  outside @28 :Text;

  enum Colour {
    red @0;
    darkBlue @1;
    mauve @2;
  }
  struct Shelf {
    label @0 :Text;
    items @1 :List(UInt32);
    inner @2 :List(Shelf);
    owner @3 :Stock1;
    dropped @4 :Bool;
  }
}
