@0xe1a7c35f0b64d289;

struct Gate @0xb7f0d2c94e518a36 {
  passed @0 :UInt64;
}
