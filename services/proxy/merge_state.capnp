@0xe5b60c1d7f2a9483;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::proxy");

# Answers that came before their turn.

struct MergeState {
  held @0 :List(Answer);
  sweeps @1 :Bool;
  # A timer that looks for lost connections is on its way.

  struct Answer {
    answer @0 :UInt64;
    # Kept by the host while the state is handed over.
    key @1 :UInt64;
  }
}
