@0xa4f0d2c8e6b13975;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::monitor");

# -- what flows --

struct Status {
  # What a member says of itself in a datagram; without a name: where the monitor receives.
  name @0 :Text;
  incarnation @1 :UInt64;
  sequence @2 :UInt64;
  leaves @3 :Bool;
  address @4 :Data;
  # It came from there (`sockaddr`).
  counters @5 :List(Counter);
}

struct Counter {
  name @0 :Text;
  value @1 :UInt64;
}

struct Targets {
  # All members that can be asked.
  members @0 :List(Target);

  struct Target {
    address @0 :Data;
    silent @1 :UInt64;
    # Nanoseconds since it was heard.
  }
}

struct Question {
  client @0 :UInt64;
  text @1 :Text;
}

struct Answer {
  client @0 :UInt64;
  # 0 = everybody who watches.
  text @1 :Text;
  # Lines, each with its end.
}

# -- state --

struct ReceiveState {
  socket @0 :UInt64;
  # Sockets are the host's; 0 = it has not begun.
  told @1 :Bool;
  # Whoever needs it knows the socket.
  refused @2 :UInt64;
}

struct PollState {
  socket @0 :UInt64;
  targets @1 :List(Targets.Target);
  sent @2 :UInt64;
}

struct ReportState {
  members @0 :List(Member);
  events @1 :List(Text);
  # The latest, oldest first.
  where @2 :Text;
  statuses @3 :UInt64;
  questions @4 :List(Question);
  # That have come and are not answered.
  untold @5 :List(Text);
  # Events that nobody was told.

  struct Member {
    name @0 :Text;
    incarnation @1 :UInt64;
    sequence @2 :UInt64;
    received @3 :UInt64;
    lost @4 :UInt64;
    presence @5 :UInt8;
    heard @6 :Int64;
    # Nanoseconds by this process's steady clock; 0 = in another process.
    address @7 :Data;
    counters @8 :List(Measured);
  }

  struct Measured {
    name @0 :Text;
    value @1 :UInt64;
    perSecond @2 :Float64;
    at @3 :Int64;
    # When the value was told; as `heard`.
  }
}
