@0x9a7d3c51e2b8f460;

struct ChainState @0xe1b7c4a95d306f82 {
  count @0 :Text;
  sum @1 :UInt64;
  ballast @2 :Data;
}

# A part of what `chain.keeper` keeps.
struct KeptPart @0xb4d0963f7e21ac58 {
  entries @0 :List(Entry);
  gone @1 :List(UInt64);
  struct Entry {
    key @0 :UInt64;
    seen @1 :UInt64;
  }
}
