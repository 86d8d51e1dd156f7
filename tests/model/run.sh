#!/usr/bin/env bash
# run.sh: searches all states of transition.pml, for each scenario and for each mutant. A scenario
# must hold in all of them; a mutant, which lacks one rule, must break the property that the rule is
# for. Needs spin, a C compiler and 400 MB; takes less than a minute of one core.
set -euo pipefail
model=$(cd "$(dirname "$0")" && pwd)/transition.pml
cc=${CC:-cc}
for tool in spin "$cc"; do
  command -v "$tool" >/dev/null && continue
  echo "model: $tool is missing; run tests/packages.sh build test" >&2
  exit 1
done

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

declare -A scenarios=(
  [side_by_side]='-DPACKETS=3'
  [in_line]='-DPACKETS=3 -DSET_A_JOIN'
  [side_by_side_twice]='-DPACKETS=2 -DTRANSITIONS=2'
  [in_line_after_rollback]='-DPACKETS=2 -DTRANSITIONS=2 -DFIRST_FAILS -DSET_A_JOIN'
)
right=0
wrong=0

# search OPTIMISATION DEFINE…: leaves the report in `out`. Fails if there is no verdict: the model
# does not compile, or not every state was seen and no error either.
search() {
  local optimisation=$1
  shift
  rm -f out pan ./*.trail
  local options=("$optimisation" -w -DSAFETY -DNOFAIR -DCOLLAPSE -DMEMLIM=1800)
  if ! spin -a "$@" "$model" >log 2>&1 || ! "$cc" "${options[@]}" -o pan pan.c >>log 2>&1; then
    cat log >&2
    return 1
  fi
  ./pan -m10000 >out 2>&1 || true
  grep -q 'errors: [1-9]' out && return
  grep -q 'errors: 0' out && ! grep -qE 'depth too small|not completed|MEMLIM|out of memory' out
}

# verdict NAME GOOD BAD: the line of a search; BAD is empty if all is as it should be.
verdict() {
  local states
  states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' out 2>/dev/null) || true
  if [[ $3 ]]; then wrong=$((wrong + 1)); else right=$((right + 1)); fi
  echo "$1: ${3:-$2}, ${states:-no} states"
}

# scenario NAME: must hold.
scenario() {
  local defines bad=
  read -ra defines <<<"${scenarios[$1]}"
  if ! search -O2 "${defines[@]}"; then bad='WRONG: no complete search'
  elif ! grep -q 'errors: 0' out; then bad="WRONG: $(grep -m1 '^pan:' out)"; fi
  verdict "$1" 'holds' "$bad"
}

# mutant NAME SCENARIO PROPERTY: must break the assertion that has PROPERTY in it. Most break it
# early, so to compile without much optimisation takes less time in all.
mutant() {
  local defines error bad=
  read -ra defines <<<"${scenarios[$2]}"
  if ! search -O1 "${defines[@]}" "-DMUTANT_$1"; then bad='WRONG: no complete search'
  elif grep -q 'errors: 0' out; then bad='WRONG: no error found'
  else
    error=$(grep -m1 '^pan:' out)
    [[ $error == *'assertion violated'*"$3"* ]] || bad="WRONG: another error than $3: $error"
  fi
  verdict "mutant $1" 'caught' "$bad"
}

for name in side_by_side in_line side_by_side_twice in_line_after_rollback; do
  scenario "$name"
done

mutant NO_ALIGNMENT             in_line            seen_by
mutant NO_HOLD                  in_line            seen_by
mutant REGION_WITHOUT_ANCESTOR  side_by_side       seen_by
mutant GOES_ON_AT_CUT           side_by_side       seen_by
mutant MARKER_OVERTAKES         side_by_side       seen_by
mutant STATE_BEFORE_CUT         side_by_side       number==
mutant COMMIT_BEFORE_RESTORED   side_by_side       ghost_restored
mutant DEADLINE_AFTER_COMMIT    side_by_side       ghost_recorded
mutant NO_DEADLINE              side_by_side       step==
mutant ABORT_LEAVES_WAITING     side_by_side       ghost_all_delivered
mutant MARKER_KEEPS_CREDIT      side_by_side       used
mutant NO_EPOCH_CHECK           side_by_side_twice seen_by

echo "$right as expected, $wrong wrong"
(( wrong == 0 ))
