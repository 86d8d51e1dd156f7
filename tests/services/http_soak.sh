#!/usr/bin/env bash
# http_soak.sh BUILD [SECONDS [FILES]]: 30 clients ask for one of FILES files of 50 kB each, for so long,
# while the service is changed five times a second. In every tenth change something goes wrong: each
# time another fault, with another outcome. Afterwards: no request has failed, no connection was
# opened again, and descriptors, threads, mappings and memory are as they were.
set -euo pipefail
test=http_soak
build=$(realpath "$1")
seconds=${2:-60}
files=${3:-500}
root=$(cd "$(dirname "$0")/../.." && pwd)
source "$root/tests/services/live_server.sh"

head -c $((files * 50000)) /dev/urandom |
  (cd "$www" && split -b 50000 -a 5 -d --additional-suffix=.html - "")
start_service

# load SECONDS: in the background; sets $load.
load() {
  : >"$place/load.log"
  "$bin/instar-load" "http://127.0.0.1:$port/{5}.html" --files "$files" --root "$www" -c 30 -d "$1" \
    --timeout 60000 --json >"$place/load.log" 2>&1 &
  load=$!
  started+=("$load")
  eventually 20 grep -q start_ns= "$place/load.log"
}
# It answers what is open and tells what it has seen.
finish_load() {
  : >"$place/load.log"
  kill -TERM "$load"
  wait "$load" || fail "the load ended with $?: $(tail -3 "$place/load.log")"
  [[ $(figure failed_requests) == 0 ]] || fail "$(figure failed_requests) requests failed"
  [[ $(figure reopened_connections) == 0 ]] ||
    fail "$(figure reopened_connections) connections were opened again"
}
figure() { sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$place/load.log" | head -1; }

# -- faults: each as a change that fails, and the exit code that tells how --------------------------

# ends_with CODES COMMAND…
ends_with() {
  local expected=$1 code=0
  shift
  "$@" >"$place/fault.log" 2>&1 || code=$?
  # shellcheck disable=SC2053 # a pattern
  [[ $code == $expected ]] || fail "'$*' ended with $code, not $expected: $(cat "$place/fault.log")"
}
refused=3 rolled_back=4 either='[34]'
# held PID: the gate holds the transition, or the instarctl that asked for it has ended.
held() { [[ -e $place/hold.reached ]] || ! kill -0 "$1" 2>/dev/null; }
fault_number=0
fault() {
  local n=$((fault_number++))
  # No change has such a number: else the gate might not be replaced, and nothing go wrong.
  local gate=gate.number=-$n
  case $((n % 8)) in
    0) ends_with $refused instarctl update reply=http.reply@9 ;; # there is no such module
    1) ends_with $refused apply_current "$gate" gate.fails=constructor ;;
    2) ends_with $rolled_back apply_current "$gate" gate.fails=restore ;;
    3)
      # All other operators stand at their cuts by then; on a busy machine they may not have come so far.
      touch "$place/hold"
      ends_with "$either" apply_current "$gate" "parse.max_pipelined=$((200 + n % 9))" \
        "read.linger_timeout=$((200 + n % 9))s" --deadline=300ms
      rm "$place/hold"
      ;;
    4)
      # instarctl is killed while the transition waits for its last operator; it goes on without.
      touch "$place/hold"
      rm -f "$place/hold.reached"
      "$bin/instarctl" apply "$place/$current.toml" --set "$gate" --admin "$admin" \
        >"$place/fault.log" 2>&1 &
      local killed=$!
      eventually 60 held "$killed"
      [[ -e $place/hold.reached ]] || fail "nothing was held: $(cat "$place/fault.log")"
      kill -KILL "$killed"
      wait "$killed" 2>/dev/null || true
      rm "$place/hold"
      ;;
    5)
      # A module that is cut off.
      mkdir -p "$place/damaged"
      head -c 20000 "$build/modules/http_load_v1.so" >"$place/damaged/http_load_v1.so"
      sed "s|^modules = .*|modules = [\"$place/damaged\"]|" "$place/$current.toml" >"$place/damaged.toml"
      ends_with $refused instarctl apply "$place/damaged.toml"
      ;;
    6)
      # Another port, which somebody has: accept cannot be restored.
      ends_with $rolled_back apply_current "accept.address=127.0.0.2" "accept.port=$taken"
      ;;
    7)
      # instarctl is killed at any moment.
      "$bin/instarctl" apply "$place/$current.toml" --set "$gate" --admin "$admin" \
        >"$place/fault.log" 2>&1 &
      local early=$!
      sleep "0.00$((n % 10))"
      kill -KILL "$early" 2>/dev/null || true
      wait "$early" 2>/dev/null || true
      ;;
  esac
}

# -- what must not grow ------------------------------------------------------------------------------

entries() { find "/proc/$daemon/$1" -mindepth 1 -maxdepth 1 | wc -l; }
# What the program has allocated, to the byte, with a page of metrics in the graph for as long as it takes to ask.
allocated_kb() {
  sed 's|^arcs = \["|&page-accept -> page-read -> page-parse -> page -> page-compose -> page-reply", "|' \
    "$place/http.toml" >"$place/page.toml"
  cat >>"$place/page.toml" <<END
page-accept = { type = "net.accept@1", address = "127.0.0.3", port = $taken }
page-read = { type = "net.read@1" }
page-parse = { type = "http.parse@1" }
page = { type = "metrics.page@1" }
page-compose = { type = "http.compose@1" }
page-reply = { type = "http.reply@1" }
END
  instarctl apply "$place/page.toml" >"$place/change.log" 2>&1 || fail "no page: $(cat "$place/change.log")"
  curl --silent --fail "http://127.0.0.3:$taken/metrics" >"$place/metrics" || fail "the page does not answer"
  awk '/^instar_jemalloc_allocated_bytes / { printf "%d\n", $2 / 1024; seen = 1 } END { exit !seen }' "$place/metrics" ||
    fail "the page does not say what is allocated"
  instarctl apply "$place/http.toml" >"$place/change.log" 2>&1 || fail "$(cat "$place/change.log")"
}
resident_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status"; }
# The pool for blocking work has as many as were needed at the same time, up to its limit.
threads() { cat "/proc/$daemon/task/"*/comm | grep -vc '^instar.pool$'; }
# Without the stacks of those, each with its guard.
mappings() {
  local pool
  pool=$(cat "/proc/$daemon/task/"*/comm | grep -c '^instar.pool$') || true
  echo $(($(wc -l <"/proc/$daemon/maps") - 2 * pool))
}
settle() { # nobody is connected, nothing is loaded any more
  local before=-1 now=0
  while [[ $before != "$now" ]]; do
    before=$now
    sleep 0.5
    now="$(entries fd) $(threads)"
  done
}
# changes_until TIME: a change each 200 ms; every tenth is a fault. Notes the memory after each.
changes_until() {
  local next=${EPOCHREALTIME/[.,]/} now
  while now=${EPOCHREALTIME/[.,]/}; (( now < $1 )); do
    if (( ++total % 10 == 0 )); then fault
    else change || fail "change $change_number failed: $(cat "$place/change.log")"; fi
    resident_kb >>"$place/resident"
    next=$((next + 200000))
    now=${EPOCHREALTIME/[.,]/}
    if (( now < next )); then sleep "$(printf '0.%06d' $((next - now)))"; else next=$now; fi
  done
}
back_to_first() {
  current=http variant=()
  apply_current >"$place/change.log" 2>&1 || [[ ! -s $place/change.log ]] || fail "$(cat "$place/change.log")"
}
total=0

# Somebody has a port of another address.
: >"$place/other.log"
"$bin/instard" --graph "$place/http.toml" --admin "$place/other.sock" --set accept.address=127.0.0.2 \
  >"$place/other.log" 2>&1 &
other=$!
started+=("$other")
eventually 20 grep -q '^ready ' "$place/other.log"
taken=$(sed -n 's/^ready .* listening=.*:\([0-9]*\).*/\1/p' "$place/other.log")

# Once through everything, so that whatever is there only once is there.
load 3600
for _ in 0 1 2 3 4 5 6 7; do change; fault; done
finish_load
back_to_first
settle
allocated_kb >"$place/warm"
allocated_before=$(allocated_kb)
settle
before="$(entries fd) descriptors, $(threads) threads" mappings_before=$(mappings)

load 3600
changes_until $((${EPOCHREALTIME/[.,]/} + seconds * 1000000))
finish_load
back_to_first
settle

after="$(entries fd) descriptors, $(threads) threads" mappings_after=$(mappings)
[[ $after == "$before" ]] || fail "before there were $before; now $after"
# An allocator's arena may come or go.
(( mappings_after <= mappings_before + 4 )) || fail "$mappings_before mappings became $mappings_after"

# History and caches of threads are in it; not a single file that somebody has asked for.
allocated_after=$(allocated_kb)
(( allocated_after <= allocated_before + 3072 )) ||
  fail "$allocated_before kB were allocated before, $allocated_after kB after"
# Medians under load: what the allocator holds on to varies a good deal, with what else the machine does.
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
third=$((total / 3))
middle=$(sed -n "$((third + 1)),$((2 * third))p" "$place/resident" | median)
last=$(tail -n "$third" "$place/resident" | median)
(( last * 100 <= middle * 140 )) || fail "$middle kB were resident in the middle, $last kB at the end"

"$bin/instarctl" status --admin "$admin" --json >"$place/status"
grep -q '"modules_stuck": 0' "$place/status" || fail "modules are stuck: $(grep stuck "$place/status")"
"$bin/instarctl" history -n 10000 --admin "$admin" --json >"$place/history"
outcomes=$(grep -o '"outcome": "[a-z ]*"' "$place/history" | sort | uniq -c | awk '{ print $1, $3, $4 }' | tr -d '"' | paste -sd,)

stop_service
kill "$other"
wait "$other" || fail "the other instard ended with $?"
echo "$total changes ($outcomes among the last), $(figure requests) requests, 0 failed, 0 reopened;" \
  "$after, $mappings_after mappings, $allocated_before and $allocated_after kB allocated," \
  "$middle and $last kB resident"
