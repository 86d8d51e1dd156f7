@0x9f1e2d3c4b5a6978;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("scaffold::shared");

# What both versions use.

struct Stamp {
  at @0 :Int64;
  by @1 :Text;
}

enum Unit {
  gram @0;
  litre @1;
}
