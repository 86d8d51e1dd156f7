@0xc5d0f9a7e1b36482;

struct Shelf @0xd1a4c7e9b3f58260 {
  owner @0 :Text;
  books @1 :List(Book);
  room :union {
    none @2 :Void;
    number @3 :UInt32;
    name @5 :Text;
  }
  floor @4 :Floor;
}

struct Book @0xe8b2d6f4a1c97350 {
  title @0 :Text;
  kind @1 :Kind;
  year @2 :UInt16;
}

enum Kind @0xf3e1c5a9d7b28640 {
  novel @0;
  poem @1;
  atlas @2;
}

struct Floor @0xb6d4f2e0c8a93571 {
  level @0 :Int8;
}

struct Stranger @0xa9c7e5f3d1b48260 {
  name @0 :UInt64;
}
