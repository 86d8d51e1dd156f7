@0xb9c07e5d12f4a683;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::file_cache");

# The pages that a file cache has.

struct FileCacheState {
  pages @0 :List(Page);

  struct Page {
    # Of which file, as it was at a moment, and which.
    device @0 :UInt64;
    inode @1 :UInt64;
    changed @2 :UInt64;
    number @3 :UInt64;
    used @4 :Bool;
    # Since the hand of the clock came by.
    bytes @5 :Data;
  }
}
