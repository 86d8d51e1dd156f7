@0xb9f85272abdf70b6;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::inspect::wire");

# What flows between the operators. A job is one capture file that is read once: of a client, whose
# number is even, or the service's own, whose number is odd.

struct End {
  # Of a job: nothing of it follows.
  last @0 :Bool;
  frames @1 :UInt64;
  bytes @2 :UInt64;
  error @3 :Text;
}

struct Frame {
  number @0 :UInt64;
  # In its file, from 1 on.
  time @1 :Int64;
  # Nanoseconds since 1970.
  data @2 :Data;
}

struct Frames {
  job @0 :UInt64;
  link @1 :Int32;
  # What a frame begins with, as libpcap numbers it.
  frames @2 :List(Frame);
  end @3 :End;
}

struct Packet {
  # An IPv4 packet, or a fragment of one.
  number @0 :UInt64;
  time @1 :Int64;
  source @2 :UInt32;
  destination @3 :UInt32;
  protocol @4 :UInt8;
  id @5 :UInt16;
  offset @6 :UInt32;
  # Of the payload in the whole packet's.
  more @7 :Bool;
  payload @8 :Data;
}

struct Packets {
  job @0 :UInt64;
  packets @1 :List(Packet);
  end @2 :End;
}

struct Header {
  # Whose bytes they are.
  number @0 :UInt64;
  # Of the frame that completed them.
  protocol @1 :UInt8;
  source @2 :UInt32;
  destination @3 :UInt32;
  sourcePort @4 :UInt16;
  destinationPort @5 :UInt16;
}

struct Unit {
  # A datagram, or what a stream has got more of.
  header @0 :Header;
  old @1 :UInt32;
  # So many of the bytes were part of the unit before as well.
  data @2 :Data;
}

struct Units {
  job @0 :UInt64;
  units @1 :List(Unit);
}

struct Alert {
  header @0 :Header;
  sid @1 :UInt32;
  message @2 :Text;
}

struct Results {
  job @0 :UInt64;
  units @1 :UInt32;
  # So many were looked at.
  alerts @2 :List(Alert);
}

struct Total {
  # So many units of the job there are in all.
  job @0 :UInt64;
  units @1 :UInt64;
  frames @2 :UInt64;
  bytes @3 :UInt64;
  error @4 :Text;
}

struct Reply {
  # What clients are to be told.
  union {
    text @0 :Said;
    opened @1 :Opened;
    gone @2 :UInt64;
    # A connection on which nothing more will be asked.
    answer @3 :Answer;
  }
}
struct Said {
  connection @0 :UInt64;
  line @1 :Text;
}
struct Opened {
  # What was asked for is a job of this number.
  job @0 :UInt64;
  connection @1 :UInt64;
  tag @2 :Text;
}
struct Answer {
  # All that there is to say of a job.
  job @0 :UInt64;
  line @1 :Text;
}

struct Question {
  job @0 :UInt64;
}

struct Counts {
  # What was counted since, by `count`.
  values @0 :List(UInt64);
}

struct Tick {
  number @0 :UInt64;
}
