@0x9a7d3c51e2b8f460;

struct ChainState @0xe1b7c4a95d306f82 {
  count @0 :UInt64;
  sum @1 :UInt64;
  ballast @2 :Data;
  twice @3 :UInt64;
}
