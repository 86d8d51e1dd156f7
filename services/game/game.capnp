@0xc6a81e5f3b70d924;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::game");

# A seat is a number, the key of all packets that are about it.

# -- what flows --

struct Order {
  # What a seat's reader has seen.
  seat @0 :UInt64;
  connection @1 :UInt64;
  kind @2 :Kind;
  text @3 :Text;

  enum Kind {
    lines @0;
    # Each with its end.
    sits @1;
    # Somebody has taken the seat.
    leaves @2;
  }
}

struct Letter {
  seat @0 :UInt64;
  connection @1 :UInt64;
  text @2 :Text;
  last @3 :Bool;
  # The connection ends after it.
}

struct News {
  letters @0 :List(Letter);
  turn @1 :UInt64;
  world @2 :Text;
  # To be saved; mostly empty.
}

struct Freed {
  seat @0 :UInt64;
}

# -- state: sockets are the host's and named by number --

struct AcceptState {
  listener @0 :UInt64;
  taken @1 :List(UInt64);
  # Seats.
  leaving @2 :List(UInt64);
  # Listeners of former addresses, on which players wait still.
}

struct ReaderState {
  seat @0 :UInt64;
  connection @1 :UInt64;
  # 0 = nobody sits there.
  input @2 :Data;
  # The beginning of a line.
  waiting @3 :List(Sitting);
  # Who come next.

  struct Sitting {
    seat @0 :UInt64;
    connection @1 :UInt64;
  }
}

struct WriterState {
  connection @0 :UInt64;
  text @1 :Text;
  done @2 :UInt64;
  # Bytes of the text that are sent.
  last @3 :Bool;
  waiting @4 :List(Letter);
}

struct HeraldState {
  letters @0 :List(Letter);
  # Not passed on yet.
  saved @1 :UInt64;
  # The turn that was saved last.
  world @2 :Text;
  # Not saved yet.
  turn @3 :UInt64;
  # Of that world.
}

struct ClockState {
  world @0 :Text;
  # As in a saved game.
  players @1 :List(Player);
  letters @2 :List(Letter);
  # Not sent on yet.
  due @3 :Int64;
  # The next turn, in nanoseconds by this process's steady clock; 0 = one turn from the start.
  freed @4 :List(UInt64);

  struct Player {
    seat @0 :UInt64;
    connection @1 :UInt64;
    name @2 :Text;
    # Empty before it was told.
    orders @3 :List(Text);
  }
}
