@0xa1f06d83b27c5e94;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::stream");

struct SourceState {
  file @0 :UInt64;
  # The open file, by id; 0 = none is open.
  path @1 :Text;
  # That was asked for.
  position @2 :UInt64;
  # In a regular file, for another process.
  frame @3 :Data;
  # The beginning of the next one; all of it, if some is written.
  pipe @4 :UInt64;
  # Its end to write into, by id; 0 = there is none yet.
  written @5 :UInt64;
  # Bytes of the frame, with its length before it, that are in the pipe.
}
