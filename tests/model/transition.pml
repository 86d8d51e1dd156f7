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
 *   TRANSITIONS=n  asked for one after the other; in each, one thing may go wrong: a successor's
 *                  constructor or restore throws, or an operator says "not yet" until the deadline.
 *                  Besides, the deadline may come at any moment
 *   FIRST_FAILS    the first one is rolled back by its deadline, at any moment after its markers
 *                  have been sent: they go stale. Nothing else goes wrong, so the last one has to
 *                  be committed
 *   MUTANT_…       takes one rule out; README.md lists them
 *
 * Names are those of the code: actors/operator_core, aligner and runner, lifecycle/transition and
 * supervisor. What is called `ghost` is for the checks alone and steers nothing. Each step is what
 * an actor does for one message or one packet. What it stages within an activation is shown at
 * once: a neighbour that sees it late is like one that runs late.
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

/* -- the graph --------------------------------------------------------------------------------- */

#define SPLIT 0
#define A 1
#define B 2
#define JOIN 3
#define PLACES 4

/*
 * Arcs: 0 split-a, 1 split-b, 2 a-join, 3 b-join, 4 join-sink. That from the source always has the
 * next packet: a source that is late is like a `split` that takes it late.
 */
#define ARCS 5
#define LAST 4 /* arc to the sink */
#define IN1(p) (p - 1)
#define IN2 3                             /* of join alone */
#define OUT1(p) (p == SPLIT -> 0 : p + 1)
#define OUT2 1                            /* of split alone */

/* What the plan says: the set, the region around it and its head. */
#ifdef SET_A_JOIN
#define MEMBER(p) (p == A || p == JOIN)
#define MEMBERS (1 << A | 1 << JOIN)
#define REGION (1 << SPLIT | 1 << A | 1 << B | 1 << JOIN)
#define HEADS (1 << SPLIT)
#define MARKED(arc) (arc <= 3)
#else
#define MEMBER(p) (p == A || p == B)
#define MEMBERS (1 << A | 1 << B)
#ifdef MUTANT_REGION_WITHOUT_ANCESTOR
#define REGION MEMBERS
#define HEADS MEMBERS
#define MARKED(arc) false
#else
#define REGION (1 << SPLIT | 1 << A | 1 << B)
#define HEADS (1 << SPLIT)
#define MARKED(arc) (arc <= 1)
#endif
#endif

/* -- arcs -------------------------------------------------------------------------------------- */

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

/* -- messages ---------------------------------------------------------------------------------- */

/* To an instance; with the epoch, and `restore` with the state: the next packet of each in-arc. */
mtype = { create, prepare, enter, restore, start, commit, abort };

/* Two actors for each place: the one that runs, and room for its successor. */
chan box[2 * PLACES] = [TRANSITIONS + 2] of { mtype, byte, byte, byte };
byte live[PLACES]; /* which of the two the supervisor takes for the running one */

#define tell(to, what, epoch, state1, state2) \
  assert(nfull(box[to]));                     \
  box[to]!what, epoch, state1, state2

/*
 * To the supervisor. A report of the epoch under way is written where it is waited for, and the
 * supervisor acts on it when it likes, so the delay of the message is in the model. One of another
 * epoch does nothing, however late it comes.
 */
#define CREATED 0
#define PREPARED 1
#define AT_CUT 2
#define RESTORED 3
#define RUNNING 4
#define ENDED 5
#define KINDS 6
byte awaited[KINDS]; /* places, as bits */
bool failed;
byte epoch;          /* of the transition under way, or of the last one */
byte step;
#define OVER 0
#define PREPARE 1
#define MARK 2
#define COMMIT 3     /* and retire */

#define UNDER_WAY(ours) (step != OVER && ours == epoch)

inline report(kind, ours)
{
  if
  :: UNDER_WAY(ours) -> awaited[kind] = awaited[kind] & ~(1 << place)
  :: else
  fi
}

inline report_failure(ours)
{
  if
  :: UNDER_WAY(ours) -> failed = true
  :: else
  fi
}

/* Votes commute with each other: only one order of them is searched. */
#define IN_TURN(kind) (step != PREPARE || (awaited[kind] & ((1 << place) - 1)) == 0)

byte faults; /* how many more things may go wrong in this transition */

/* -- what is checked --------------------------------------------------------------------------- */

byte ghost_restored[TRANSITIONS + 1]; /* by epoch: members whose successor holds the state */
byte ghost_version[PLACES];           /* of the last instance that was started */
byte ghost_running[PLACES];           /* instances that were started and have not ended */
byte ghost_recorded = 1;              /* version of the set, by the history */
bool ghost_all_delivered;

/* Within one step only, so not part of the state. */
hidden byte number, way, version_seen, told_epoch, state1, state2, i;

/* -- an operator's instance and the actor around it -------------------------------------------- */

#define VACANT 0 /* no actor yet, or it has ended */
#define CONSTRUCTED 1
#define RUNS 2
#define WAITS 3  /* at its cut, for the commit or the rollback */

typedef actor {
  byte phase;
  byte version;      /* one more than the epoch that brings it; 0 if vacant */
  byte next1, next2; /* the operator's state: the next packet of each in-arc */
}
actor actors[2 * PLACES];
#define PHASE actors[ME].phase
#define VERSION actors[ME].version
#define NEXT1 actors[ME].next1
#define NEXT2 actors[ME].next2

inline clear(which)
{
  actors[which].phase = VACANT; actors[which].version = 0;
  actors[which].next1 = 0; actors[which].next2 = 0
}

#define ME (2 * place + slot)
#define SUCCESSOR (2 * place + 1 - slot)

/* The aligner. */
#define EXPECTED1 (place != SPLIT && MARKED(IN1(place)))
#define EXPECTED2 (place == JOIN && MARKED(IN2))
#if defined(MUTANT_NO_HOLD)
#define HELD(delivered) (aligning && complete)
#elif defined(MUTANT_GOES_ON_AT_CUT)
#define HELD(delivered) (PHASE == RUNS && aligning && (complete || delivered))
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
#define WORKS (PHASE == RUNS || PHASE == WAITS)
#else
#define WORKS (PHASE == RUNS)
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

inline take(a, expected, delivered, due)
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
    assert(number == due); /* none lost, none twice, none out of order */
    due++;
    if
    :: MEMBER(place) ->
      /* No mixed versions, and no new code before all of the set hold their state. */
      assert(version_seen == 0 || version_seen == VERSION);
      assert(VERSION == 1 || ghost_restored[VERSION - 1] == MEMBERS);
      version_seen = VERSION
    :: else
    fi;
    if
    :: place == A -> way = 1
    :: place == B -> way = 2
    :: else
    fi;
    emit(OUT1(place), kept1)
  fi;
  number = 0; way = 0; version_seen = 0
}

inline take_from_source()
{
  number = NEXT1;
  NEXT1++;
  emit(OUT1(place), kept1);
  emit(OUT2, kept2);
  number = 0
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

inline hand_over()
{
  if
  :: actors[SUCCESSOR].version == aligning + 1 ->
    tell(SUCCESSOR, restore, aligning, NEXT1, NEXT2)
  :: else /* rolled back meanwhile: its actor has ended */
  fi
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
    PHASE = WAITS;
#ifndef MUTANT_STATE_BEFORE_CUT
    hand_over();
#endif
    report(AT_CUT, aligning)
  :: else -> forget_epoch()
  fi
}

proctype instance(byte place, slot)
{
  byte aligning; /* the epoch whose markers it collects, or 0 */
  bool delivered1, delivered2, complete;
  bool not_yet;  /* it says so, until the transition is given up */
  byte kept1, kept2, kept_way, kept_version;

end:
  do
  /* A successor's birth. */
  :: d_step {
      IN_TURN(CREATED) && box[ME]?[create(_, _, _)] ->
        box[ME]?create(told_epoch, _, _);
        PHASE = CONSTRUCTED;
        report(CREATED, told_epoch); told_epoch = 0
    }
  :: d_step {
      IN_TURN(CREATED) && faults > 0 && box[ME]?[create(_, _, _)] -> /* its constructor throws */
        faults--;
        box[ME]?create(told_epoch, _, _);
        PHASE = CONSTRUCTED;
        report_failure(told_epoch); told_epoch = 0
    }
  :: d_step {
      box[ME]?restore(told_epoch, state1, state2) ->
        assert(PHASE == CONSTRUCTED);
        NEXT1 = state1; NEXT2 = state2;
        ghost_restored[told_epoch] = ghost_restored[told_epoch] | 1 << place;
        report(RESTORED, told_epoch);
        told_epoch = 0; state1 = 0; state2 = 0
    }
  :: d_step {
      faults > 0 && box[ME]?[restore(_, _, _)] -> /* its restore throws */
        faults--;
        box[ME]?restore(told_epoch, _, _);
        report_failure(told_epoch); told_epoch = 0
    }
  :: d_step {
      box[ME]?start(told_epoch, _, _) ->
        assert(PHASE == CONSTRUCTED);
        PHASE = RUNS;
        ghost_version[place] = VERSION;
        ghost_running[place]++;
        report(RUNNING, told_epoch); told_epoch = 0
    }

  /* A part in a transition. */
  :: d_step {
      IN_TURN(PREPARED) && box[ME]?[prepare(_, _, _)] ->
        box[ME]?prepare(told_epoch, _, _);
        assert(PHASE == RUNS && aligning == 0);
        aligning = told_epoch;
#ifdef MUTANT_STATE_BEFORE_CUT
        if
        :: MEMBER(place) -> hand_over()
        :: else
        fi;
#endif
        report(PREPARED, told_epoch); told_epoch = 0
    }
  :: d_step {
      box[ME]?enter(told_epoch, _, _) ->
        assert(told_epoch == aligning);
        complete = true; told_epoch = 0
    }
  :: d_step {
      box[ME]?commit(told_epoch, _, _) ->
        assert(PHASE == WAITS && aligning == told_epoch);
        forget_epoch();
        ghost_running[place]--;
        tell(SUCCESSOR, start, told_epoch, 0, 0);
        clear(ME);
        report(ENDED, told_epoch); told_epoch = 0
    }
  :: d_step {
      box[ME]?abort(told_epoch, _, _) ->
        if
        :: aligning == told_epoch ->
          forget_epoch();
#ifndef MUTANT_ABORT_LEAVES_WAITING
          if
          :: PHASE == WAITS -> PHASE = RUNS
          :: else
          fi
#endif
        :: else
        fi;
        told_epoch = 0
    }

  /* Work. */
  :: d_step { WORKS && kept1 && CREDIT(OUT1(place)) -> retry(OUT1(place), kept1) }
  :: d_step { WORKS && kept2 && CREDIT(OUT2) -> retry(OUT2, kept2) }
  :: d_step {
      place == SPLIT && WORKS && !BLOCKED && !HELD(false) && NEXT1 <= PACKETS ->
        take_from_source()
    }
  :: d_step {
      place != SPLIT && WORKS && !BLOCKED && !HELD(delivered1) && nempty(arc[IN1(place)]) ->
        take(IN1(place), EXPECTED1, delivered1, NEXT1)
    }
  :: d_step {
      place == JOIN && WORKS && !BLOCKED && !HELD(delivered2) && nempty(arc[IN2]) ->
        take(IN2, EXPECTED2, delivered2, NEXT2)
    }
  :: d_step { PHASE == RUNS && complete && ALL_HAS_LEFT && !not_yet -> cut() }
  :: d_step {
      PHASE == RUNS && complete && !not_yet && MEMBER(place) && faults > 0 ->
        faults--; not_yet = true
    }
  od
}

/* -- the supervisor ---------------------------------------------------------------------------- */

#define REPORTED(kind) (awaited[kind] == 0)
#ifdef MUTANT_COMMIT_BEFORE_RESTORED
#define ALL_RESTORED true
#else
#define ALL_RESTORED REPORTED(RESTORED)
#endif
#ifdef FIRST_FAILS
#define MAY_COMMIT (epoch > 1)
#define MAY_HAVE_FAULTS false
#define MAY_BE_LATE (step == MARK && epoch == 1)
#else
#define MAY_COMMIT true
#define MAY_HAVE_FAULTS true
#define MAY_BE_LATE (step == PREPARE || step == MARK)
#endif

/* To the running instances of the places in `which`. */
inline tell_running(which, what)
{
  for (i : 0 .. PLACES - 1) {
    if
    :: which >> i & 1 -> tell(2 * i + live[i], what, epoch, 0, 0)
    :: else
    fi
  }
  i = 0
}

inline spawn_successors()
{
  for (i : 0 .. PLACES - 1) {
    if
    :: MEMBER(i) ->
      actors[2 * i + 1 - live[i]].version = epoch + 1;
      tell(2 * i + 1 - live[i], create, epoch, 0, 0)
    :: else
    fi
  }
  i = 0
}

/* It ends as soon as it is told. When, nobody sees: what is sent to it later goes nowhere. */
inline end_successors()
{
  for (i : 0 .. PLACES - 1) {
    if
    :: MEMBER(i) ->
      clear(2 * i + 1 - live[i]);
      do
      :: nempty(box[2 * i + 1 - live[i]]) -> box[2 * i + 1 - live[i]]?_, _, _, _
      :: empty(box[2 * i + 1 - live[i]]) -> break
      od
    :: else
    fi
  }
  i = 0
}

inline begin()
{
  epoch++;
  step = PREPARE;
  faults = MAY_HAVE_FAULTS;
  awaited[CREATED] = MEMBERS;
  awaited[PREPARED] = REGION;
  awaited[AT_CUT] = MEMBERS;
  awaited[RESTORED] = MEMBERS;
  awaited[RUNNING] = MEMBERS;
  awaited[ENDED] = MEMBERS;
  spawn_successors();
  tell_running(REGION, prepare)
}

inline finish()
{
  step = OVER;
  failed = false;
  faults = 0;
  for (i : 0 .. KINDS - 1) {
    awaited[i] = 0
  }
  i = 0
}

inline give_up()
{
  tell_running(REGION, abort);
  end_successors();
  finish()
}

active proctype supervisor()
{
  do
  :: d_step { step == OVER && epoch < TRANSITIONS -> begin() }
  :: d_step {
      step == PREPARE && REPORTED(CREATED) && REPORTED(PREPARED) ->
        step = MARK;
        tell_running(HEADS, enter)
    }
  :: d_step {
      step == MARK && REPORTED(AT_CUT) && ALL_RESTORED && MAY_COMMIT -> /* point of no return */
        step = COMMIT;
        tell_running(MEMBERS, commit);
        for (i : 0 .. PLACES - 1) {
          if
          :: MEMBER(i) -> live[i] = 1 - live[i]
          :: else
          fi
        }
        i = 0
    }
  :: d_step {
      step == COMMIT && REPORTED(RUNNING) && REPORTED(ENDED) ->
        ghost_recorded = epoch + 1;
        finish()
    }
  :: d_step { failed && (step == PREPARE || step == MARK) -> give_up() }
#ifndef MUTANT_NO_DEADLINE
  :: d_step { MAY_BE_LATE -> give_up() } /* the deadline, at any moment */
#endif
#ifdef MUTANT_DEADLINE_AFTER_COMMIT
  :: d_step { step == COMMIT -> give_up() }
#endif
  :: timeout -> /* nobody can do anything any more: is everything as it should be? */
    d_step {
      assert(step == OVER && epoch == TRANSITIONS); /* nothing hangs */
      assert(ghost_all_delivered);
#ifdef FIRST_FAILS
      assert(ghost_recorded == TRANSITIONS + 1); /* and what can be done is done */
#endif
      for (i : 0 .. PLACES - 1) {
        assert(ghost_running[i] == 1);
        assert(!MEMBER(i) || ghost_version[i] == ghost_recorded)
      }
      for (i : 0 .. ARCS - 1) {
        assert(empty(arc[i]) && used[i] == 0)
      }
      i = 0
    };
    break
  od
}

/* -- the sink ---------------------------------------------------------------------------------- */

active proctype sink()
{
  byte next[3] = 1;          /* by way */
  byte seen_by[PACKETS + 1]; /* by packet: the version of the first of its two */
  do
  :: d_step {
      arc[LAST]?number, way, version_seen ->
        used[LAST]--;
        assert(number == next[way]);
        next[way]++;
        if
        :: seen_by[number] == 0 -> seen_by[number] = version_seen
        :: else ->
          assert(version_seen == seen_by[number]); /* no mixed versions: its two ways */
          seen_by[number] = 0
        fi;
        number = 0; way = 0; version_seen = 0
    }
  :: d_step { next[1] > PACKETS && next[2] > PACKETS -> ghost_all_delivered = true } -> break
  od
}

init
{
  atomic {
    for (i : 0 .. PLACES - 1) {
      ghost_version[i] = 1;
      ghost_running[i] = 1;
      actors[2 * i].phase = RUNS;
      actors[2 * i].version = 1;
      actors[2 * i].next1 = 1;
      actors[2 * i].next2 = 1;
      run instance(i, 0);
      if
      :: MEMBER(i) -> run instance(i, 1)
      :: else
      fi
    }
    i = 0
  }
}
