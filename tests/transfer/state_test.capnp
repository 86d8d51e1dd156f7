@0xa4f2b8c6d1e35970;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::test");

struct Shelf {
  titles @0 :List(Text);
}
