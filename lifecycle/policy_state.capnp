@0x9d27c4f1b6803ae5;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::wire");

# What a policy goes on with after an update of itself, and from a checkpoint. Times are as so long
# before the moment of saving.

struct PolicyState {
  kept @0 :UInt64;
  # Where the host still has what others see of it, while the state is handed over.
  savedNs @1 :Int64;            # since 1970: a checkpoint grows older
  paused @2 :Bool;
  pausedBy @3 :Text;
  pausedSetting @4 :Bool;       # what the settings said
  changesNs @5 :List(Int64);
  changedNs @6 :Int64 = -1;     # -1: never
  refusals @7 :UInt32;
  retryInNs @8 :Int64;
  asked @9 :Place;              # for which side, without an outcome yet
  events @10 :List(Event);

  enum Place {
    none @0;
    home @1;
    there @2;
  }

  struct Event {
    ageNs @0 :Int64;
    kind @1 :Text;
    asked @2 :Text;
    cause @3 :Text;
    outcome @4 :Text;
    reason @5 :Text;
    transition @6 :UInt64;
    epoch @7 :UInt64;
  }
}
