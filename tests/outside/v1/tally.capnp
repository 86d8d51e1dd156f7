@0xcd0f3c5cb8b4b3a1;

struct Tally @0x9b1c7a3e5d2f4680 {
  count @0 :UInt64;
}
