# shellcheck shell=bash
# Time to quiescence of services whose threads block, as Hayden et al. measured it (HotSWUp 2012).

explanation="Each service runs with threads that block (in read, write, accept, poll, sleeps, locks), and is changed
to newer versions of its operators and back, all of them in one transition, so that no thread may go on.
quiesce_NAME_loaded_ms, _idle_ms: from the first marker until every operator stood at its cut with its
state saved, as the service's history has it; under load of the service's own client, which checks every
answer, and without. _uninterrupted_: the same with wrappers that a pending change does not interrupt
(interruptible = false). _never: changes that were rolled back at their deadline, because a thread did not
come to rest; of these there is no time. _failed, _reopened: what the clients noticed of all that."

source "$root/bench/quiesce/services.sh"
source "$root/bench/quiesce/table.sh"

set_parameters() {
  updates=50 patience=5 deadline=5s uninterrupted_deadline=2s clients=${QUIESCE_CLIENTS:-4}
  results=$root/bench/results
  if [ "$quick" = 1 ]; then
    updates=10 patience=2 uninterrupted_deadline=1s
    # Only a whole run replaces the picture that is part of the sources.
    results=$root/build/bench/quiesce
  fi
}

note() {
  echo "$(date +%T) $*" >&2
}

# change NAME MODE: to the other graph. Sets $outcome: committed, with $took, the ms until all cuts were
# reached; late, if they were not before the deadline; unprepared, if that came before the markers;
# given_up, if something else went wrong. Fails if there was no transition at all.
change() {
  local next=$((3 - side)) code=0 limit=$deadline
  [ -z "$2" ] || limit=$uninterrupted_deadline
  "$bin/instarctl" apply "$scratch/$1.$next.toml" --deadline "$limit" --admin "$admin" --json \
    >"$scratch/outcome.json" 2>"$scratch/outcome.err" || code=$?
  reason=$(sed -n 's/.*"reason": "\(.*\)",*$/\1/p' "$scratch/outcome.json" | tail -n 1)
  if [ "$code" = 4 ]; then
    outcome=given_up
    [[ $reason != "the deadline has passed"* ]] || outcome=late
    return 0
  fi
  if [ "$code" = 3 ] && [[ $reason == "the deadline has passed"* ]]; then
    outcome=unprepared
    return 0
  fi
  if [ "$code" = 0 ] && grep -q '"outcome": "committed"' "$scratch/outcome.json"; then
    took=$(sed -n 's/.*"mark_ms": \([0-9.e+-]*\).*/\1/p' "$scratch/outcome.json")
    side=$next outcome=committed
    return 0
  fi
  tail -n 5 "$scratch/outcome.err" >&2
  complain "$1: the change was not tried (exit code $code): ${reason:-see above}"
  return 1
}

# change_often NAME WHEN MODE: WHEN idle or loaded, MODE "" or "_uninterrupted". Of threads that never
# come to rest a few are enough to know.
change_often() {
  local figure=quiesce_$1_$2$3 i never=0 given_up=0 in_row=0 most=0
  for ((i = 0; i < updates && in_row < patience; ++i)); do
    # At any moment of what the clients do.
    nap "0.0$((20 + RANDOM % 60))"
    change "$1" "$3" || return 1
    case $outcome in
      committed)
        in_row=0
        record "${figure}_ms" "$took"
        most=$(awk -v a="$most" -v b="$took" 'BEGIN { print (b > a ? b : a) }')
        ;;
      late)
        never=$((never + 1)) in_row=$((in_row + 1))
        [ "$never" != 1 ] || note "$1 $2$3: $reason"
        ;;
      unprepared) # the machine is too busy: says nothing of threads
        given_up=$((given_up + 1)) in_row=$((in_row + 1))
        note "$1 $2$3: $reason"
        ;;
      given_up)
        given_up=$((given_up + 1)) in_row=$((in_row + 1))
        complain "$1 $2$3: rolled back: $reason"
        ;;
    esac
  done
  record "${figure}_changes" "$i"
  record "${figure}_never" "$never"
  [ "$given_up" = 0 ] || record "${figure}_given_up" "$given_up"
  [ "$((never + given_up))" = "$i" ] || record "${figure}_max_ms" "$most"
}

# measure_mode NAME MODE: both without and with load. Fails if that was not possible.
measure_mode() {
  local code=1
  note "$1${2:+, not interrupted}"
  start_service "$1" "$2" || return 1
  if change_often "$1" idle "$2" && start_client "$1"; then
    ! change_often "$1" loaded "$2" || code=0
    stop_client "$1" "$2"
  fi
  stop_service
  return "$code"
}

# Sums over all services, of figures that end so.
record_sum() {
  record "$1" "$(awk -v like="$2" '$1 ~ like { n += $2 } END { print n + 0 }' "$samples")"
}

run_suite() {
  local name
  set_parameters
  "$root/tests/packages.sh" plot >&2
  measured=""
  for name in $services; do
    is_built "$name" || continue
    if measure_mode "$name" ""; then
      measured+=" $name"
      measure_mode "$name" _uninterrupted || true
    fi
  done
  record_sum never_quiesced '^quiesce_[a-z]+_(idle|loaded)_never$'
  record_sum uninterrupted_never_quiesced '_uninterrupted_never$'
  record_sum clients_failed '^quiesce_[a-z]+(_uninterrupted)?_failed$'
  record_sum clients_reopened '^quiesce_[a-z]+(_uninterrupted)?_reopened$'
  set_targets
  mkdir -p "$results"
  read_figures
  draw_picture
  write_table >"$results/quiesce.md"
  explanation+=$'\n\n'$(table_rows)
  note "picture and table: ${results#"$root"/}/quiesce.{svg,png,md}"
}

set_targets() {
  local name
  for name in $measured; do
    # At most the paper's, and never more than 1 ms.
    target "quiesce_${name}_loaded_ms" max "$(awk -v p="${paper_ms[$name]}" 'BEGIN { print (p < 1 ? p : 1) }')"
    target "quiesce_${name}_idle_ms" max 1
  done
  target never_quiesced max 0
  target clients_failed max 0
  target clients_reopened max 0
}
