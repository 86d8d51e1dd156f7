/*
 * The update protocol: transitions of
 *
 *                   +-> a -+
 *   source -> split        +-> join -> sink
 *                   +-> b -+
 *
 * that replace an atomic set of two operators, while PACKETS packets go through. `split` sends each
 * packet both ways, so that one packet meets the whole set.
 *
 * Variants (-D…):
 *   SET_A_JOIN     the set is {a, join}, in line, with b beside them; else {a, b}, side by side
 *   PACKETS=n      packets of the source
 *   CAPACITY=n     credit of an arc
 *   TRANSITIONS=n  asked for one after the other; each may be committed or rolled back
 *   FIRST_FAILS    the first one is not committed: its markers go stale
 *   MUTANT_…       takes one rule out; README.md lists them
 *
 * Names are those of the code: actors/operator_core, aligner and runner, lifecycle/transition and
 * supervisor. What is called `ghost` is for the checks alone and steers nothing.
 */

#ifndef PACKETS
#define PACKETS 3
#endif
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef TRANSITIONS
#define TRANSITIONS 1
#endif

/* -- the graph ---------------------------------------------------------------------------------- */

#define SPLIT 0
#define A 1
#define B 2
#define JOIN 3
#define PLACES 4

/* Arcs: 0 source-split, 1 split-a, 2 split-b, 3 a-join, 4 b-join, 5 join-sink. */
#define ARCS 6
#define IN1(p) (p)
#define IN2 4                             /* of join alone */
#define OUT1(p) (p == SPLIT -> 1 : p + 2)
#define OUT2 2                            /* of split alone */

/* What the plan says: the set, the region around it and its head. */
#ifdef SET_A_JOIN
#define MEMBER(p) (p == A || p == JOIN)
#define MEMBERS (1 << A | 1 << JOIN)
#define REGION (1 << SPLIT | 1 << A | 1 << B | 1 << JOIN)
#define MARKED(arc) (arc >= 1 && arc <= 4)
#else
#define MEMBER(p) (p == A || p == B)
#define MEMBERS (1 << A | 1 << B)
#ifdef MUTANT_REGION_WITHOUT_ANCESTOR
#define REGION MEMBERS
#define MARKED(arc) false
#else
#define REGION (1 << SPLIT | 1 << A | 1 << B)
#define MARKED(arc) (arc == 1 || arc == 2)
#endif
#endif
#define IN_REGION(p) (REGION >> p & 1)
#define IS_HEAD(p) (IN_REGION(p) && !MARKED(IN1(p)))

/* -- arcs --------------------------------------------------------------------------------------- */

/*
 * An element is a packet (number, way, version that processed it) or a marker (0, 0, epoch). A
 * packet needs credit. Markers have room of their own, one for each transition.
 */
chan arc[ARCS] = [CAPACITY + TRANSITIONS] of { byte, byte, byte };
byte used[ARCS]; /* places taken, by markers too */

#define CREDIT(a) (used[a] < CAPACITY)

inline push(a, number, way, version)
{
  assert(nfull(arc[a]));
  arc[a]!number, way, version;
  used[a]++;
}

/* -- messages ----------------------------------------------------------------------------------- */

/* To an instance; with the epoch, and `restore` with the state: the next packet of each in-arc. */
mtype = { create, prepare, enter, restore, start, commit, abort };

/* Two actors for each place: the one that runs, and room for its successor. */
chan box[2 * PLACES] = [4] of { mtype, byte, byte, byte };
byte live[PLACES]; /* which of the two the supervisor takes for the running one */

#define tell(to, what, epoch, state1, state2) \
  assert(nfull(box[to]));                     \
  box[to]!what, epoch, state1, state2

/* To the supervisor: kind, place, epoch. */
#define CREATED 0
#define PREPARED 1
#define AT_CUT 2
#define RESTORED 3
#define RUNNING 4
#define ENDED 5
#define KINDS 6
#define FAILED 6
chan reports = [12] of { byte, byte, byte };

#define report(kind, epoch)  \
  assert(nfull(reports));    \
  reports!kind, place, epoch

byte faults; /* how many more things may go wrong in this transition */

/* -- what is checked ---------------------------------------------------------------------------- */

byte ghost_holds_state; /* members whose successor of this transition has restored */
byte ghost_version[PLACES];
byte ghost_running[PLACES];
bool ghost_delivered;

/* Within one step only, so not part of the state. */
hidden byte number, way, version_seen, told_epoch, state1, state2, kind, from, i;

/* -- an operator's instance and the actor around it --------------------------------------------- */

#define VACANT 0 /* no actor yet, or it has ended */
#define CONSTRUCTED 1
#define RUNS 2
#define WAITS 3  /* at its cut, for the commit or the rollback */

#define ME (2 * place + slot)
#define SUCCESSOR (2 * place + 1 - slot)

/* The aligner. */
#define EXPECTED1 MARKED(IN1(place))
#define EXPECTED2 (place == JOIN && MARKED(IN2))
#if defined(MUTANT_NO_HOLD)
#define HELD(delivered) (aligning && complete)
#elif defined(MUTANT_GOES_ON_AT_CUT)
#define HELD(delivered) (phase == RUNS && aligning && (complete || delivered))
#else
#define HELD(delivered) (aligning && (complete || delivered))
#endif
#ifdef MUTANT_NO_EPOCH_CHECK
#define OURS aligning
#else
#define OURS (aligning && version_seen == aligning)
#endif
#ifdef MUTANT_NO_ALIGNMENT
#define ALL_DELIVERED true
#else
#define ALL_DELIVERED ((delivered1 || !EXPECTED1) && (delivered2 || !EXPECTED2))
#endif

#define BLOCKED (kept1 || kept2)
#ifdef MUTANT_GOES_ON_AT_CUT
#define WORKS (phase == RUNS || phase == WAITS)
#else
#define WORKS (phase == RUNS)
#endif
#ifdef MUTANT_MARKER_OVERTAKES
#define ALL_HAS_LEFT true
#else
#define ALL_HAS_LEFT (!BLOCKED)
#endif

/* Emits a packet; beyond the credit it is kept, and leaves before anything else is taken. */
inline emit(a, kept)
{
  if
  :: CREDIT(a) -> push(a, number, way, version_seen)
  :: else -> kept = number; kept_way = way; kept_version = version_seen
  fi
}

inline take(a, expected, delivered, next)
{
  arc[a]?number, way, version_seen;
  if
  :: number == 0 ->
#ifndef MUTANT_MARKER_KEEPS_CREDIT
    used[a]--;
#endif
    if
    :: OURS && expected && !delivered ->
      delivered = true;
      if
      :: ALL_DELIVERED -> complete = true
      :: else
      fi
    :: else /* stale: dropped */
    fi
  :: else ->
    used[a]--;
    assert(number == next); /* none lost, none twice, none out of order */
    next++;
    if
    :: MEMBER(place) ->
      assert(version_seen == 0 || version_seen == version); /* no mixed versions */
      assert(version == 1 || ghost_holds_state == MEMBERS); /* no new code before all can */
      version_seen = version
    :: else
    fi;
    if
    :: place == A -> way = 1
    :: place == B -> way = 2
    :: else
    fi;
    emit(OUT1(place), kept1);
    if
    :: place == SPLIT -> emit(OUT2, kept2)
    :: else
    fi
  fi;
  number = 0; way = 0; version_seen = 0
}

inline retry(a, kept)
{
  push(a, kept, kept_way, kept_version);
  kept = 0;
  if
  :: !BLOCKED -> kept_way = 0; kept_version = 0
  :: else
  fi
}

inline forget_epoch()
{
  aligning = 0; complete = false; delivered1 = false; delivered2 = false; not_yet = false
}

inline cut()
{
  if
  :: MARKED(OUT1(place)) -> push(OUT1(place), 0, 0, aligning)
  :: else
  fi;
  if
  :: place == SPLIT && MARKED(OUT2) -> push(OUT2, 0, 0, aligning)
  :: else
  fi;
  if
  :: MEMBER(place) ->
    phase = WAITS;
    tell(SUCCESSOR, restore, aligning, next1, next2);
    report(AT_CUT, aligning)
  :: else -> forget_epoch()
  fi
}

inline leave(epoch)
{
  phase = VACANT; version = 0; next1 = 0; next2 = 0;
  report(ENDED, epoch)
}

/* `version` is that of the operator, one more than the epoch that brought it. */
proctype instance(byte place, slot, phase, version)
{
  byte next1 = version, next2 = version; /* the operator's state: the next packet of each in-arc */
  byte aligning;                         /* epoch whose markers are being collected, or none */
  bool delivered1, delivered2, complete;
  bool not_yet;                          /* says so until the transition is given up */
  byte kept1, kept2, kept_way, kept_version;

end:
  do
  /* A successor's birth. */
  :: d_step {
      box[ME]?create(told_epoch, _, _) ->
        assert(phase == VACANT);
        phase = CONSTRUCTED; version = told_epoch + 1;
        report(CREATED, told_epoch); told_epoch = 0
    }
  :: d_step {
      faults > 0 && box[ME]?[create(_, _, _)] -> /* its constructor throws */
        faults--;
        box[ME]?create(told_epoch, _, _);
        phase = CONSTRUCTED; version = told_epoch + 1;
        report(FAILED, told_epoch); told_epoch = 0
    }
  :: d_step {
      box[ME]?restore(told_epoch, state1, state2) ->
        if
        :: phase == CONSTRUCTED && version == told_epoch + 1 ->
          next1 = state1; next2 = state2;
          ghost_holds_state = ghost_holds_state | 1 << place;
          report(RESTORED, told_epoch)
        :: else /* rolled back: its actor has ended */
        fi;
        told_epoch = 0; state1 = 0; state2 = 0
    }
  :: d_step {
      faults > 0 && phase == CONSTRUCTED && box[ME]?[restore(_, _, _)] -> /* its restore throws */
        faults--;
        box[ME]?restore(told_epoch, _, _);
        report(FAILED, told_epoch); told_epoch = 0
    }
  :: d_step {
      box[ME]?start(told_epoch, _, _) ->
        assert(phase == CONSTRUCTED && version == told_epoch + 1);
        phase = RUNS;
        ghost_version[place] = version;
        ghost_running[place]++;
        report(RUNNING, told_epoch); told_epoch = 0
    }

  /* A part in a transition. */
  :: d_step {
      box[ME]?prepare(told_epoch, _, _) ->
        assert(phase == RUNS && aligning == 0);
        aligning = told_epoch;
        report(PREPARED, told_epoch); told_epoch = 0
    }
  :: d_step {
      box[ME]?enter(told_epoch, _, _) ->
        assert(told_epoch == aligning);
        complete = true; told_epoch = 0
    }
  :: d_step {
      box[ME]?commit(told_epoch, _, _) ->
        assert(phase == WAITS && aligning == told_epoch);
        forget_epoch();
        ghost_running[place]--;
        tell(SUCCESSOR, start, told_epoch, 0, 0);
        leave(told_epoch); told_epoch = 0
    }
  :: d_step {
      box[ME]?abort(told_epoch, _, _) ->
        if
        :: phase == CONSTRUCTED && version == told_epoch + 1 -> leave(told_epoch)
        :: aligning == told_epoch && told_epoch != 0 ->
#ifdef MUTANT_ABORT_KEEPS_HOLD
          aligning = 0; not_yet = false; /* and `delivered`, `complete` stay */
#else
          forget_epoch();
#endif
          if
          :: phase == WAITS -> phase = RUNS
          :: else
          fi
        :: else
        fi;
        told_epoch = 0
    }

  /* Work. */
  :: d_step { WORKS && kept1 && CREDIT(OUT1(place)) -> retry(OUT1(place), kept1) }
  :: d_step { WORKS && kept2 && CREDIT(OUT2) -> retry(OUT2, kept2) }
  :: d_step {
      WORKS && !BLOCKED && !HELD(delivered1) && nempty(arc[IN1(place)]) ->
        take(IN1(place), EXPECTED1, delivered1, next1)
    }
  :: d_step {
      place == JOIN && WORKS && !BLOCKED && !HELD(delivered2) && nempty(arc[IN2]) ->
        take(IN2, EXPECTED2, delivered2, next2)
    }
  :: d_step { phase == RUNS && complete && ALL_HAS_LEFT && !not_yet -> cut() }
  :: d_step {
      phase == RUNS && complete && !not_yet && MEMBER(place) && faults > 0 ->
        faults--; not_yet = true
    }
  od
}
