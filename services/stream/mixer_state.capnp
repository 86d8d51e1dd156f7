@0xc86b2f7e19d304a5;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::stream");

struct MixerState {
  sequence @0 :UInt64;
  # Of the frame that was sent last.
  position @1 :UInt64;
  # Bytes of the source that were sent.
  due @2 :UInt64;
  # When the next frame is; nanoseconds of this process's steady clock.
  pipe @3 :UInt64;
  # The source's, its end to read from, by id; 0 = there is none yet.
  begun @4 :Data;
  # What has been read of the next frame, with its length before it.
}
