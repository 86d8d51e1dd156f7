@0xc2b0f86a91d54e37;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::pool");

# Connections and open files are the host's and outlive every version of an operator; state names
# them by id. Times are nanoseconds of this process's steady clock.

struct KeeperState {
  kept @0 :List(Kept);
  waiting @1 :List(UInt64);
  # Connections with a request, for which no worker was free; the first first.
  out @2 :List(Out);

  struct Kept {
    connection @0 :UInt64;
    since @1 :UInt64;
    closing @2 :Bool;
    # Everything was answered; what still comes is thrown away until the peer ends it.
  }

  struct Out {
    connection @0 :UInt64;
    key @1 :UInt64;
    # Of the packet with which it went to a worker.
  }
}

struct WorkerState {
  tasks @0 :List(Task);
  # The first one is being worked on.

  struct Task {
    connection @0 :UInt64;
    since @1 :UInt64;
    # When the request began to arrive, or when the client last took something of its answer.
    input @2 :Data;
    answering @3 :Bool;
    last @4 :Bool;
    output @5 :Data;
    # What is still to be written of the answer's head, and of a body in memory.
    file @6 :UInt64;
    # 0 = none.
    offset @7 :UInt64;
    left @8 :UInt64;
    body @9 :Body;
    # Of the request, as far as it is not yet thrown away.
  }

  struct Body {
    # `http::body_skipper::position`
    phase @0 :UInt8;
    digits @1 :UInt8;
    overhead @2 :UInt32;
    left @3 :UInt64;
    allowed @4 :UInt64;
  }
}
