@0xd1f4a0b5c39e7a26;
# What the admin socket of a service speaks: Cap'n Proto RPC, two parties, on a Unix socket.
#
# The bootstrap capability is `Admin`. Its only call is the handshake; everything else needs the
# `Session` that it returns, so a peer that speaks another protocol learns that first, in words.
# Calls added later get higher numbers; an older daemon answers them with `unimplemented`.
#
# The structs mirror status.hpp, plan.hpp and graph.hpp, where their fields are explained.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("instar::wire");

const protocolVersion :UInt32 = 1;

interface Admin {
  hello @0 (protocol :UInt32, client :Text) -> Welcome;
}

struct Welcome {
  protocol @0 :UInt32;    # the daemon's
  version @1 :Text;       # of instar
  union {
    session @2 :Session;
    refused @3 :Text;     # why, and what to do
  }
}

interface Session {
  status @0 () -> (status :Status);
  graph @1 () -> (graph :Graph);
  plan @2 (wanted :Wanted) -> (plan :Plan);

  apply @3 (wanted :Wanted, deadlineNs :UInt64) -> (entry :HistoryEntry);
  # Returns when the transition has its outcome; a deadline of 0 is the daemon's default.
  # A client that goes away meanwhile does not stop the transition.

  history @4 (most :UInt32) -> (entries :List(HistoryEntry));
  # Oldest first, the latest `most` of them.

  begin @5 (wanted :Wanted, deadlineNs :UInt64) -> (id :UInt64, change :Change);
  # As `apply`, but returns as soon as the transition has its id. What the service does not even
  # get, because the text is no graph, has the id 0.

  cancel @6 (id :UInt64, all :Bool) -> (answers :List(CancelAnswer));
  # Gives up transitions that wait or run, until their commit is decided. With an id of 0 and not
  # all: the only one there is.

  diff @7 (from :NamedGraph, to :NamedGraph) -> (plan :Plan);
  # The difference, without the checks of a plan: `refusals` are what a check of a graph complained
  # of. If a graph cannot be had, there is nothing else.

  trace @8 (arc :Text, delayNs :UInt64, drop :Float64, seed :UInt64, deadlineNs :UInt64,
            sink :TraceSink) -> (tracing :Tracing);
  # Puts an operator on an arc that tells of its packets, and delays or drops them if that is
  # wanted. Ports may be left out of `arc` where that is clear. Returns when it is on.

  checkpoints @9 () -> (folder :Text, list :List(Checkpoint));
  # Those of the service's folder, newest first, each read to its end. Without a folder its name is
  # empty.

  policies @10 () -> (list :List(Policy));
  # By name.

  pausePolicies @11 (names :List(Text), paused :Bool) -> (answers :List(PolicyAnswer));
  # Pauses or resumes them; without names all. From the return on, who is paused asks for nothing.
}

struct Policy {
  name @0 :Text;
  place @1 :Text;               # home, there, elsewhere; empty before the first look
  paused @2 :Bool;
  pausedBy @3 :Text;
  rule @4 :Text;                # that it goes by now
  asks @5 :Text;                # what for, should that hold
  state @6 :Text;               # what it waits for
  measures @7 :List(Measure);
  holdsSinceNs @8 :Int64;       # since 1970; 0 if the condition does not hold
  changes @9 :UInt32;           # within the last hour
  perHour @10 :UInt32;
  refusals @11 :UInt32;         # in a row
  events @12 :List(Event);      # the latest ones, oldest first

  struct Measure {
    expression @0 :Text;
    relation @1 :Text;
    unit @2 :Text;
    threshold @3 :Float64;
    union {
      value @4 :Float64;
      whyNot @5 :Text;          # there is no value
    }
    text @6 :Text;
    holds @7 :Bool;
  }

  struct Event {
    whenNs @0 :Int64;           # since 1970
    kind @1 :Text;              # there, back; changed, paused, resumed
    asked @2 :Text;
    cause @3 :Text;
    outcome @4 :Text;
    reason @5 :Text;
    transition @6 :UInt64;      # its id in the history
    epoch @7 :UInt64;
  }
}

struct PolicyAnswer {
  name @0 :Text;
  refusal @1 :Text;             # why it was not; empty if it was
}

struct Checkpoint {
  file @0 :Text;
  number @1 :UInt64;
  epoch @2 :UInt64;
  whenNs @3 :Int64;             # since 1970; 0 if it cannot be read
  bytes @4 :UInt64;
  operators @5 :UInt64;
  damage @6 :Text;              # why it is not whole; empty if it is
}

struct Tracing {
  arc @0 :Text;                 # its full name
  operator @1 :Text;            # what was put on it: the arc is two of this now
  union {
    trace @2 :Trace;
    refused @3 :Text;           # why, and what to do
  }
}

interface Trace {
  # To drop the capability, or the connection, takes the operator off the arc.

  stop @0 () -> (totals :TraceTotals);
  # Takes it off. Returns when that is done and the sink has got all headers; as long as it cannot
  # be done, it is tried again every second.
}

interface TraceSink {
  # At the client. The next call comes when the former one has returned.

  packets @0 (headers :List(PacketHeader)) -> ();
  ended @1 (reason :Text, totals :TraceTotals) -> ();
  # Somebody else has removed the operator: there will be no more.
}

struct PacketHeader {
  whenNs @0 :Int64;             # since 1970
  gapNs @1 :Int64;              # since the packet before on this arc; -1 for the first
  key @2 :UInt64;
  payload @3 :Text;             # the type's name
  dropped @4 :Bool;
}

struct TraceTotals {
  packets @0 :UInt64;
  dropped @1 :UInt64;           # of them
  leftOut @2 :UInt64;           # whose headers were not kept, because they were not fetched in time
}

interface Change {
  outcome @0 () -> (entry :HistoryEntry);
  # Returns when the transition has its outcome. To drop the capability does not stop it.
}

struct CancelAnswer {
  id @0 :UInt64;
  refusal @1 :Text;             # why it was not; empty if it was
}

struct Wanted {
  union {
    graph @0 :GraphText;
    updates @1 :List(OperatorUpdate);
    rollback @2 :UInt64;          # to this epoch; 0 = to the one before the running one
    checkpoint @4 :Void;          # the graph stays; what operators have at one cut is written
  }
  dropState @3 :List(Text);       # operators whose state may be dropped
}

struct NamedGraph {
  union {
    running @0 :Void;
    epoch @1 :UInt64;
    text @2 :GraphText;
  }
}

struct GraphText {
  text @0 :Text;
  origin @1 :Text;              # absolute: relative paths in the text start at its folder
  overrides @2 :List(Override);
  folder @3 :Text;              # absolute: relative paths in overrides start here
}

struct Override {
  operator @0 :Text;
  key @1 :Text;
  value @2 :Text;
}

struct OperatorUpdate {
  name @0 :Text;
  type @1 :Text;
  version @2 :UInt32;
}

struct Status {
  name @0 :Text;
  graphFile @1 :Text;
  version @2 :Text;
  pid @3 :Int32;
  epoch @4 :UInt64;
  startedNs @5 :Int64;          # since 1970
  phase @6 :Text;
  transition @7 :Text;
  queuedTransitions @8 :UInt64;
  operators @9 :List(OperatorStatus);
  arcs @10 :List(ArcStatus);
  modulesLoaded @11 :UInt64;
  modulesUnloaded @12 :UInt64;
  modulesStuck @13 :UInt64;
  residentBytes @14 :UInt64;
  transitions @15 :List(TransitionStatus);
}

struct TransitionStatus {
  id @0 :UInt64;
  epoch @1 :UInt64;             # 0 while it waits
  who @2 :Text;
  what @3 :Text;
  step @4 :Text;
  waitingFor @5 :Text;
  steps @6 :List(StepTime);     # those that are over
  entriesMoved @7 :UInt64;      # of keyed state, to successors; while it flows
  entriesTotal @8 :UInt64;
}

struct OperatorStatus {
  name @0 :Text;
  reference @1 :Text;
  sinceEpoch @2 :UInt64;
  phase @3 :Text;
  packetsIn @4 :UInt64;
  packetsOut @5 :UInt64;
  events @6 :UInt64;
  activations @7 :UInt64;
  busyNs @8 :UInt64;
  blocked @9 :UInt64;
  errors @10 :UInt64;
  restarts @11 :UInt64;
  lateAnswers @12 :UInt64;
  entries @13 :UInt64;          # of its keyed state
  replicaOf @14 :Text;          # one of several that share packets: the name of all
  replicas @15 :UInt32 = 1;
  hotKey @16 :UInt64;           # that comes most often, in this share of its packets
  hotShare @17 :Float64;
  eventsWaiting @18 :UInt64;     # posted by the host and not taken yet
}

struct ArcStatus {
  name @0 :Text;
  payload @1 :Text;
  capacity @2 :UInt64;
  queued @3 :UInt64;
  feedback @4 :Bool;
}

struct Graph {
  name @0 :Text;
  origin @1 :Text;
  modules @2 :List(Text);
  operators @3 :List(OperatorNode);
  arcs @4 :List(ArcNode);
  checkpointEveryNs @5 :Int64;
  checkpointKeep @6 :UInt64 = 3;
}

struct OperatorNode {
  name @0 :Text;
  type @1 :Text;
  version @2 :UInt32;
  settings @3 :List(Setting);
  strategy @4 :ErrorStrategy;
  errorLimit @5 :UInt32;
  errorWindowNs @6 :Int64;
  line @7 :UInt64;
  was @8 :Text;
  transient @9 :Bool;           # put on an arc for a while
  transfer @10 :PartTransfer;
  replicas @11 :UInt32 = 1;     # so many share its packets by their keys
  keysAreHashes @12 :Bool;
  replicaOf @13 :Text;          # one of them: the name that the graph file has for all
  replica @14 :UInt32;
}

enum PartTransfer {
  none @0;                      # as its size suggests
  preCopy @1;
  progressive @2;
}

enum ErrorStrategy {
  resume @0;
  restart @1;
  stop @2;
}

struct Setting {
  name @0 :Text;
  union {
    text @1 :Text;
    integer @2 :Int64;
    number @3 :Float64;
    boolean @4 :Bool;
  }
}

struct ArcNode {
  from @0 :Text;
  fromPort @1 :Text;
  to @2 :Text;
  toPort @3 :Text;
  capacity @4 :UInt64;
  line @5 :UInt64;
  feedback @6 :FeedbackPolicy;
  lane @7 :UInt32;              # one of `lanes` arcs of the same group that share packets
  lanes @8 :UInt32 = 1;
  keysAreHashes @9 :Bool;
  group @10 :Text;
}

enum FeedbackPolicy {
  none @0;
  handOver @1;
  drain @2;
}

struct Plan {
  operators @0 :List(OperatorChange);
  arcs @1 :List(ArcChange);
  refusals @2 :List(Failure);
}

struct OperatorChange {
  action @0 :OperatorAction;
  name @1 :Text;
  oldReference @2 :Text;
  newReference @3 :Text;
  settings @4 :List(Text);
  transfersState @5 :Bool;
  stateFormat @6 :Text;
  arcsChange @7 :Bool;
  inRegion @8 :Bool;
  isHead @9 :Bool;
  oldName @10 :Text;            # empty if it keeps its name
  drains @11 :Bool;
  native @12 :Bool;
  stateBy @13 :StateRoute;
  partsBy @14 :StateRoute;
  dropsState @15 :Bool;
  stateFrom @16 :List(Text);    # added: removed operators whose keyed state it takes over
  heirs @17 :List(Text);        # removed: added operators that take its keyed state over
  replicaOf @18 :Text;
}

struct StateRoute {
  written @0 :UInt64;
  read @1 :UInt64;
  converters @2 :List(ConverterStep);
}

struct ConverterStep {
  type @0 :Text;
  version @1 :UInt32;
  from @2 :UInt64;
  to @3 :UInt64;
}

enum OperatorAction {
  keep @0;
  add @1;
  remove @2;
  replace @3;
}

struct ArcChange {
  action @0 :ArcAction;
  arc @1 :ArcNode;
  inRegion @2 :Bool;
  oldName @3 :Text;             # empty if it keeps its name
}

enum ArcAction {
  keep @0;
  add @1;
  remove @2;
}

struct Failure {
  code @0 :FailureCode;
  message @1 :Text;
}

enum FailureCode {
  badInput @0;
  notFound @1;
  incompatible @2;
  refused @3;
  deadline @4;
  operatorError @5;
  system @6;
}

struct HistoryEntry {
  id @0 :UInt64;
  epoch @1 :UInt64;
  who @2 :Text;
  what @3 :Text;
  whenNs @4 :Int64;             # since 1970
  outcome @5 :Outcome;
  reason @6 :Text;
  steps @7 :List(StepTime);
  markToCommitNs @8 :Int64;
  cause @9 :Text;               # why it was asked for, if that was said
}

enum Outcome {
  unchanged @0;
  committed @1;
  refused @2;
  rolledBack @3;
}

struct StepTime {
  step @0 :Text;
  tookNs @1 :Int64;
}
