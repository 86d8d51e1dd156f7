@0x8cb3a7e5f1c94d27;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::kv");

# What has been answered but not written yet. The answers themselves are kept by the host while the
# state is handed over, and are named by number.

struct ReplyState {
  outputs @0 :List(Output);
  # Their readers are slow.
  held @1 :List(UInt64);
  # Others of their turn, or of a turn before, are still to come.

  struct Output {
    connection @0 :UInt64;
    answers @1 :List(Answer);
    # In the order in which they have to be written.
  }

  struct Answer {
    kept @0 :UInt64;
    sent @1 :UInt64;
    # Bytes that were written already.
  }
}
