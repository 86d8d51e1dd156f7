@0xc7d8e9fa0b1c2d3e;

struct TextPart {
  entries @0 :List(Entry);
  gone @1 :List(Text);
  struct Entry {
    key @0 :Text;
    value @1 :UInt64;
  }
}
