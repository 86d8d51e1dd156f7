@0xa7c5e1f20b9d4836;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::http");

# What a meter has counted.

struct MeterState {
  kept @0 :UInt64;
  # Where the host still has the numbers themselves while the state is handed over.
  series @1 :List(Series);

  struct Series {
    key @0 :Text;
    # `own_metrics::key_of`
    numbers @1 :List(UInt64);
  }
}
