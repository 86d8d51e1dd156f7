# shellcheck shell=bash
# For tests that run the HTTP service as a user does, and change it while real clients use it. Sourced
# after $test (its name), $build (the build folder) and $root (the sources) are set. Sets $place, a folder that goes at the
# end, $www, the folder that is served, and with `start_service` $port, $daemon and $admin.

: "${test:?}" "${build:?}" "${root:?}"
bin=$build/bin
place=$(mktemp -d)
www=$place/www
admin=$place/admin.sock
started=()
mkdir "$www"
touch "$place/instard.log"

clean_up() {
  local code=$? pid
  trap - EXIT INT TERM
  for pid in "${started[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$place"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "$test: $*" >&2
  tail -n 5 "$place"/instard.log >&2 || true
  exit 1
}

# need PROGRAM PACKAGE: without it there is nothing to test with.
need() {
  PATH=$PATH:/usr/sbin command -v "$1" >/dev/null ||
    fail "the client $1 is not installed; run tests/packages.sh test (Debian package $2)"
}

# eventually SECONDS COMMAND…: tries until it succeeds.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    (( SECONDS < end )) || fail "timed out waiting for: $*"
    sleep 0.02
  done
}

# The graph files of apps/http with this build's modules and $www, on a port of their own, and with
# an operator that fails where it is told to: before `reply` or `log`.
write_graphs() {
  local file
  for file in "$root"/apps/http/http{,-nio,-cache,-log}.toml; do
    sed -e "s|^modules = .*|modules = [\"$build/modules\", \"$build/tests/services/modules\"]|" \
      -e 's|port = 8080|port = 0|' -e "s|root = \"www\"|root = \"$www\"|" \
      -e 's|compose -> |compose -> gate -> |' "$file" >"$place/$(basename "$file")"
    echo "gate = { type = \"test.gate@1\", hold = \"$place/hold\" }" >>"$place/$(basename "$file")"
  done
}

# start_service [SETTING…]: of its operators, besides those in http.toml.
start_service() {
  local setting settings=()
  for setting; do settings+=(--set "$setting"); done
  write_graphs
  # A busy machine may take its time; what is tested is that nothing goes wrong.
  "$bin/instard" --graph "$place/http.toml" --admin "$admin" --deadline 60s "${settings[@]}" \
    >"$place/instard.log" 2>&1 &
  daemon=$!
  started+=("$daemon")
  eventually 20 grep -q '^ready ' "$place/instard.log"
  port=$(sed -n 's/^ready .* listening=.*:\([0-9]*\).*/\1/p' "$place/instard.log")
  [[ $port ]] || fail "instard does not say where it listens"
}

# In good order, and with everything answered.
stop_service() {
  kill "$daemon"
  wait "$daemon" || fail "instard ended with $?"
}

instarctl() { "$bin/instarctl" "$@" --admin "$admin" --quiet; }

# The next change of the service, each time another: to the next graph, to other instances of all
# operators, to another version. Fails if it is not committed.
change_number=0
current=http
variant=()
change() {
  local n=$((change_number++))
  case $((n % 8)) in
    0) current=http-nio variant=() ;;
    1 | 4 | 6)
      # Other settings make other instances necessary.
      variant=("accept.max_connections=$((20000 + n))" "read.linger_timeout=$((30 + n % 50))s"
        "parse.max_pipelined=$((64 + n % 50))" "load.max_multipart=$((1000000 + n))"
        "compose.retry_after=$((1 + n % 50))s" "reply.write_timeout=$((60 + n % 50))s"
        "gate.number=$n")
      ;;
    2) current=http-cache variant=() ;;
    3)
      instarctl update cache=http.cache@2 >"$place/change.log" 2>&1
      return
      ;;
    5) current=http-log variant=() ;;
    7) current=http variant=() ;;
  esac
  apply_current >"$place/change.log" 2>&1
}

# apply_current [SETTING=VALUE | --option]…: the graph that runs, with these differences.
apply_current() {
  local setting arguments=()
  for setting in "${variant[@]}"; do arguments+=(--set "$setting"); done
  for setting; do
    if [[ $setting == --* ]]; then arguments+=("$setting"); else arguments+=(--set "$setting"); fi
  done
  instarctl apply "$place/$current.toml" "${arguments[@]}"
}

# Changes one after the other without a pause, in the background, until `stop_changes`. `changes` says
# how many it were so far.
start_changes() {
  (
    while [[ ! -e $place/enough ]]; do
      change || { cp "$place/change.log" "$place/failed"; break; }
      echo "$change_number" >"$place/changes.new"
      mv "$place/changes.new" "$place/changes"
    done
  ) &
  changer=$!
  started+=("$changer")
}
changes() { cat "$place/changes" 2>/dev/null || echo 0; }
stop_changes() {
  touch "$place/enough"
  wait "$changer" || fail "the changes ended with $?"
  [[ ! -e $place/failed ]] || fail "change $(changes) failed: $(cat "$place/failed")"
}
