@0x9b76c4f4bca32aa2;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::inspect");
using Wire = import "inspect_wire.capnp";

# Connections and files are the host's and outlive every version of an operator; state names them by
# id. Packets that an operator had not got to yet are part of its state.

struct Reading {
  # A capture file, as far as it was read.
  open @0 :Bool;
  job @1 :UInt64;
  file @2 :UInt64;
  place @3 :Int64;
  frames @4 :UInt64;
  bytes @5 :UInt64;
}

struct CaptureState {
  asked @0 :Reading;
  own @1 :Reading;
  path @2 :Text;
  # Of its own file.
  loops @3 :UInt64;
  dueNs @4 :Int64;
  # Until the next frames of its own file.
  waiting @5 :List(Order);
}
struct Order {
  job @0 :UInt64;
  file @1 :UInt64;
}

struct DecodeState {
  waiting @0 :List(Wire.Frames);
}

struct Piece {
  from @0 :UInt64;
  data @1 :Data;
}
struct Datagram {
  # Of which fragments are missing.
  job @0 :UInt64;
  source @1 :UInt32;
  destination @2 :UInt32;
  protocol @3 :UInt8;
  id @4 :UInt16;
  since @5 :Int64;
  size @6 :UInt64;
  # 0 = not known yet.
  pieces @7 :List(Piece);
}
struct Stream {
  # One direction of a TCP connection.
  job @0 :UInt64;
  source @1 :UInt32;
  destination @2 :UInt32;
  sourcePort @3 :UInt16;
  destinationPort @4 :UInt16;
  frame @5 :UInt64;
  last @6 :Int64;
  next @7 :UInt32;
  # The sequence number that comes next,
  place @8 :UInt64;
  # and where in the stream that is.
  tail @9 :Data;
  held @10 :List(Piece);
}
struct FlowJob {
  job @0 :UInt64;
  units @1 :UInt64;
  newest @2 :Int64;
}
struct FlowState {
  datagrams @0 :List(Datagram);
  streams @1 :List(Stream);
  jobs @2 :List(FlowJob);
  batches @3 :UInt64;
  waiting @4 :List(Wire.Packets);
  ticks @5 :UInt32;
  # That have come, too.
}

struct DetectState {
  waiting @0 :List(Wire.Units);
}

struct Upload {
  job @0 :UInt64;
  file @1 :UInt64;
  left @2 :UInt64;
}
struct Asking {
  connection @0 :UInt64;
  input @1 :Data;
  upload @2 :Upload;
  idleNs @3 :Int64;
}
struct ControlState {
  connections @0 :List(Asking);
  jobs @1 :UInt64;
  # So many numbers were given away.
  waiting @2 :List(UInt64);
  # Connections that have come.
}

struct Telling {
  connection @0 :UInt64;
  open @1 :Bool;
  gone @2 :Bool;
  broken @3 :Bool;
  output @4 :Data;
}
struct Job {
  number @0 :UInt64;
  opened @1 :Bool;
  connection @2 :UInt64;
  tag @3 :Text;
  units @4 :UInt64;
  # That were looked at,
  alerts @5 :UInt64;
  # and what was found.
  early @6 :List(Text);
  # Lines for a connection that is not known yet.
  total @7 :Wire.Total;
  ended @8 :Bool;
}
struct OutputState {
  connections @0 :List(Telling);
  jobs @1 :List(Job);
  log @2 :Data;
  # That is not in its file yet.
}

struct StatisticsState {
  counts @0 :List(UInt64);
  questions @1 :List(UInt64);
  dueNs @2 :Int64;
}

struct HousekeepingState {
  ticks @0 :UInt64;
  dueNs @1 :Int64;
}
