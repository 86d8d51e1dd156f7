@0xdfa15c2e918cee28;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::http");

# What has been answered but not written yet, because its reader is slow.

struct ReplyState {
  outputs @0 :List(Output);
  sweeps @1 :Bool;
  # A timer that looks for stuck readers is on its way.

  struct Output {
    connection @0 :UInt64;
    responses @1 :List(Response);
    # In the order in which they have to be written.
    stuck @2 :UInt32;
    # Seconds since the reader took the last bytes.
  }

  struct Response {
    head @0 :Data;
    sent @1 :UInt64;
    # Bytes of head and body together that were written already.
    keepAlive @2 :Bool;
    body :union {
      none @3 :Void;
      bytes @4 :Data;
      held :group {
        # Kept by the host while the state is handed over: a large body, or a part of an open file.
        id @5 :UInt64;
        offset @6 :UInt64;
        size @7 :UInt64;
      }
    }
    counted :group {
      # By a meter, while the state is handed over; 0 = by none.
      by @8 :UInt64;
      from @9 :UInt64;
      status @10 :UInt16;
    }
  }
}
