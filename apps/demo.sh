#!/usr/bin/env bash
# demo.sh [SECONDS]: from a bare Debian 12 to a live update under load. Installs packages, builds,
# serves 1,000 files of 50 kB to 30 keep-alive clients, switches `load` and `reply` to the NIO
# version and back while the requests go on, and tells what the clients noticed. SECONDS (default 4)
# is the time between the steps. Fails if a request failed.
#
# INSTAR_BUILD=FOLDER uses a tree that is built already. DEMO_CSV=FILE keeps the timeline.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
pause=${1:-4}
clients=30
files=1000
file_size=51200

say() { echo "==> $*"; }
fail() {
  echo "demo: $*" >&2
  exit 1
}
[[ $pause =~ ^[0-9]+$ && $pause -gt 1 ]] || fail "'$pause' is no time; say for example: apps/demo.sh 4"

place=$(mktemp -d "${TMPDIR:-/tmp}/instar-demo.XXXXXX")
daemon=
load=
clean_up() {
  local code=$?
  trap '' INT TERM
  trap - EXIT
  for process in $load $daemon; do
    kill "$process" 2>/dev/null && wait "$process" || true
  done
  rm -rf "$place"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for SECONDS FILE PATTERN PID: until the file says it; fails with the file if the process ends.
wait_for() {
  local end=$((SECONDS + $1))
  until grep -q "$3" "$2" 2>/dev/null; do
    if ! kill -0 "$4" 2>/dev/null || (( SECONDS >= end )); then
      cat "$2" "$place"/*.log >&2
      fail "no '$3' in $(basename "$2")"
    fi
    sleep 0.05
  done
}

build=${INSTAR_BUILD:-$root/build/release}
if [[ ! ${INSTAR_BUILD-} ]]; then
  say "installing what is missing of the packages"
  "$root/tests/packages.sh" build
  say "building (minutes the first time)"
  (cd "$root" && cmake --preset release >"$place/build.log" &&
    cmake --build --preset release --target instard instarctl instar_modules instar-load instar-cut) || fail "the build failed"
fi
bin=$build/bin

say "making $files files of $((file_size / 1024)) KiB"
mkdir "$place/www"
head -c $((files * file_size)) /dev/urandom |
  (cd "$place/www" && split -b "$file_size" -a 5 -d --additional-suffix=.html - "")

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
port=$((20000 + $$ % 10000))
while port_answers; do port=$((port + 1)); done
address=127.0.0.1:$port

say "starting the service: accept -> read -> parse -> load -> compose -> reply"
export INSTAR_ADMIN=$place/admin.sock
"$bin/instard" --graph "$root/apps/http/http.toml" --modules "$build/modules" \
  --set "accept.port=$port" --set "load.root=$place/www" >"$place/instard.out" 2>"$place/instard.log" &
daemon=$!
wait_for 20 "$place/instard.out" '^ready' "$daemon"
until port_answers; do sleep 0.05; done

say "$clients clients ask http://$address for one file after the other"
"$bin/instar-load" "http://$address/{5}.html" --files "$files" --root "$place/www" -c "$clients" \
  -d 3600 --csv "$place/timeline.csv" >"$place/load.out" 2>"$place/load.log" &
load=$!
wait_for 20 "$place/load.log" start_ns= "$load"
begin=$("$bin/instar-cut" --now)
sleep "$pause"

# window NAME BEGIN END: what instar-cut shall look at.
window() { echo "$*" >>"$place/windows"; }
# switch_to GRAPH NAME: one live update; its window ends 1 s after the outcome.
switch_to() {
  local before after
  say "instarctl apply apps/http/$1"
  before=$("$bin/instar-cut" --now)
  "$bin/instarctl" apply "$root/apps/http/$1" --quiet || fail "the update to $1 was not carried out"
  after=$("$bin/instar-cut" --now)
  window "$2" "$before" $((after + 1000000000))
  window all_updates "$before" $((after + 1000000000))
  echo "update $before $after" >>"$place/updates"
  sleep "$pause"
}

first=$("$bin/instar-cut" --now)
window before "$begin" "$first"
switch_to http-nio.toml to_nio
window between $(($(tail -n 1 "$place/updates" | cut -d' ' -f3) + 1000000000)) "$("$bin/instar-cut" --now)"
switch_to http.toml and_back
window after $(($(tail -n 1 "$place/updates" | cut -d' ' -f3) + 1000000000)) "$("$bin/instar-cut" --now)"
window whole_run "$begin" "$("$bin/instar-cut" --now)"

say "stopping"
kill "$load"
wait "$load" || { load=; cat "$place/load.log" >&2; fail "the load generator failed"; }
load=
kill "$daemon"
wait "$daemon" || { daemon=; tail "$place/instard.log" >&2; fail "the service did not stop cleanly"; }
daemon=
if [[ ${DEMO_CSV-} ]]; then
  cp "$place/timeline.csv" "$DEMO_CSV"
  cp "$place/updates" "$DEMO_CSV.updates"
fi

"$bin/instar-cut" "$place/timeline.csv" --json <"$place/windows" >"$place/figures.json"
figure() { grep -o "\"$1\": [^,}]*" "$place/figures.json" | cut -d' ' -f2; }

echo
echo "What $clients clients noticed (each body was compared with its file):"
row='%-18s %11s %9s %9s %9s %9s %8s %9s\n'
printf "$row" "" requests/s "p50 ms" "p99 ms" "p99.9 ms" "max ms" failed reopened
for name in before to_nio between and_back after whole_run; do
  case $name in
    before) label="before" ;;
    to_nio) label="during: to NIO" ;;
    between) label="NIO version" ;;
    and_back) label="during: and back" ;;
    after) label="after" ;;
    whole_run) label="whole run" ;;
  esac
  printf "$row" "$label" "$(printf %.0f "$(figure "${name}_requests_per_s")")" \
    "$(printf %.2f "$(figure "${name}_p50_ms")")" "$(printf %.2f "$(figure "${name}_p99_ms")")" \
    "$(printf %.2f "$(figure "${name}_p999_ms")")" "$(printf %.2f "$(figure "${name}_max_ms")")" \
    "$(figure "${name}_failed_requests")" "$(figure "${name}_reopened_connections")"
done
echo "during = from the command until 1 s after its outcome"
(( $(figure whole_run_failed_requests) == 0 )) || fail "requests failed"
