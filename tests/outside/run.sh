#!/usr/bin/env bash
# run.sh BUILD: what a user does, from an installed instar to a live update of an own service.
#
# Installs BUILD into a fresh folder, builds the example of this folder against that package alone,
# runs it with the installed programs, replaces its `tally` by version 2 and by version 1 again, and
# checks the lines it wrote: numbered 1, 2, 3 … without a gap or a repeat, in both forms. Then it is
# killed after a checkpoint, and goes on counting from there.
set -euo pipefail
build=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)

place=$(mktemp -d)
daemon=
clean_up() {
  if [[ $daemon ]]; then kill "$daemon" 2>/dev/null && wait "$daemon" || true; fi
  rm -rf "$place"
}
trap clean_up EXIT
fail() {
  echo "outside: $*" >&2
  tail -n 20 "$place"/*.log >&2 || true
  exit 1
}
# eventually SECONDS COMMAND…: tries until it succeeds.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    (( SECONDS < end )) || fail "timed out waiting for: $*"
    sleep 0.05
  done
}

cmake --install "$build" --prefix "$place/instar" >"$place/install.log"
# The installed headers are complete, and need no CAF.
(cd "$place/instar/include/instar" && find . -name '*.hpp' | sort | sed 's|^\./\(.*\)|#include "\1"|') >"$place/all.cpp"
grep -q reactor.hpp "$place/all.cpp" || fail "the headers are not installed"
c++ -std=c++20 -fsyntax-only -I"$place/instar/include/instar" "$place/all.cpp" 2>"$place/headers.log" ||
  fail "an installed header does not compile"
# So are the examples: each finds its modules.
for graph in "$place"/instar/share/instar/*/*.toml; do
  "$place/instar/bin/instard" --graph "$graph" --check >"$place/check.log" 2>&1 ||
    fail "$graph cannot be used as it is installed"
done
[[ -e $graph ]] || fail "no example is installed"
cp -r "$here" "$place/example"
cd "$place/example"
PATH=$place/instar/bin:$PATH

cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$place/instar" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  >"$place/configure.log" || fail "the example does not configure"
cmake --build build >"$place/build.log" || fail "the example does not build"

socket=$place/admin.sock
instard --graph tally.toml --admin "$socket" >"$place/instard.log" 2>&1 &
daemon=$!

enough_lines() { [[ -e lines.txt ]] && (( $(grep -cE "$1" lines.txt) >= $2 )); }
one='^[0-9]+: tick$'
two='^[0-9]+: tick, [0-9]+ bytes so far$'

eventually 20 enough_lines "$one" 100
instarctl --admin "$socket" update tally=tally@2
eventually 20 enough_lines "$two" 100
before=$(grep -cE "$one" lines.txt)
instarctl --admin "$socket" update tally=tally@1
eventually 20 enough_lines "$one" $((before + 100))
instarctl --admin "$socket" history

kill "$daemon"
wait "$daemon" || fail "instard ended with an error"
daemon=

awk -F: '$1 != NR { print "line " NR " has number " $1; exit 1 }' lines.txt ||
  fail "the tally lost its count"
changes=$(awk '{ form = /so far$/ ? 2 : 1 } form != last { printf "%s ", form; last = form }' lines.txt)
[[ $changes == "1 2 1 " ]] || fail "expected lines of version 1, 2, 1, got: $changes"
lines=$(wc -l <lines.txt)

rm lines.txt
instard --graph tally.toml --admin "$socket" --checkpoints saved >"$place/killed.log" 2>&1 &
daemon=$!
eventually 20 enough_lines "$one" 100
earlier=$(wc -l <lines.txt)
instarctl --admin "$socket" checkpoint
later=$(wc -l <lines.txt)
instarctl --admin "$socket" checkpoints
eventually 20 enough_lines "$one" $((later + 100))
kill -9 "$daemon"
wait "$daemon" 2>/dev/null || true
killed=$(wc -l <lines.txt)
instard --restore saved --admin "$socket" --checkpoints saved >"$place/restored.log" 2>&1 &
daemon=$!
eventually 20 enough_lines "$one" $((killed + 300))
kill "$daemon"
wait "$daemon" || fail "instard ended with an error after it was restored"
daemon=
# One step back, to the cut.
cut=$(awk -F: 'NR > 1 && $1 != last + 1 { print $1 - 1 } { last = $1 }' lines.txt)
if ! [[ $cut =~ ^[0-9]+$ ]] || (( cut < earlier || cut > later + 50 )); then
  fail "it did not go on from the checkpoint, between $earlier and $later, but from: $cut"
fi

echo "$lines lines, numbered without gap or repeat over two live updates; killed, it went on from $cut"
